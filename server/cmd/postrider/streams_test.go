package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestStreams(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	stdout := &lines{more: make(chan struct{}, 1)}
	ended := make(chan int, 1)
	go func() {
		variables := map[string]string{"POSTRIDER_URL": i.url, "POSTRIDER_DATA": i.folders}
		ended <- execute(context.Background(), environment{
			stdin: strings.NewReader(""), stdout: stdout, stderr: &lines{more: make(chan struct{}, 1)},
			lookup: func(name string) (string, bool) { value, ok := variables[name]; return value, ok },
		}, []string{"tail", "--start", "earliest", "--types", "order.*", "--expression", "event.data.n > 0.0"})
	}()
	i.must("", "publish", "order.created", `{"n":1}`)
	stdout.await(t, `{"n":1}`)

	// The event may come while the stream catches up, just before it is live.
	const live = " live 0 1 order.* if event.data.n > 0.0"
	id, shown := "", ""
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(shown, live) && time.Now().Before(deadline); {
		list := strings.Fields(i.must("", "streams", "list"))
		for _, word := range list {
			if strings.HasPrefix(word, "str_") {
				id = word
			}
		}
		shown = strings.Join(list, " ")
	}
	for _, part := range []string{id + " connect admin key 127.0.0.1:", live} {
		if id == "" || !strings.Contains(shown, part) {
			t.Errorf("%q is not in the list %s", part, shown)
		}
	}
	if lines := i.must("", "streams", "list", "--json"); !strings.Contains(lines, `"id":"`+id+`"`) {
		t.Errorf("as JSON: %s", lines)
	}
	if out := i.must("", "streams", "disconnect", id); out != id+" is disconnected\n" {
		t.Errorf("disconnect: %s", out)
	}
	if code := <-ended; code == exitOK {
		t.Errorf("tail exits with %d", code)
	}
	if got := i.run("", "streams", "disconnect", id); got.code != exitRefused || !strings.Contains(got.stderr, "does not exist") {
		t.Errorf("again: exit %d, %s", got.code, got.stderr)
	}
}
