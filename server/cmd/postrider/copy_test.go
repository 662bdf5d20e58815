package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// What a server shows is nothing new to it: nothing is stored a second time, and nothing goes round for ever.
func TestCopyingEventsToTheirOwnServerStoresNothing(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "publish", "order.created", `{"n":9007199254740993}`, "--id", "a1", "--source", "shop", "--time", "2026-01-02T03:04:05.123456789Z")
	i.must("", "publish", "order.created", `{"n":1}`)
	shown := strings.SplitAfter(i.must("", "tail", "--start", "earliest", "--json", "--count", "2"), "\n")
	if got := i.must(shown[0], "publish", "--ndjson", "-"); got != "1 published, 1 of them duplicates\n" {
		t.Errorf("its own event with all attributes: %q", got)
	}
	got := i.run(shown[1], "publish", "--ndjson", "-")
	if got.code != exitRefused || !strings.Contains(got.stderr, "is this the server that showed it?") {
		t.Errorf("its own event with attributes that the server has filled in: exit %d, %q", got.code, got.stderr)
	}
	if got := i.run("{\"id\":\"a1\",\"type\":\"b\",\"data\":{}}", "publish", "--ndjson", "-"); got.code != exitRefused || strings.Contains(got.stderr, "tail") {
		t.Errorf("another event with a used id: exit %d, %q", got.code, got.stderr)
	}
	other := newInstance(t)
	if got := other.must(strings.Join(shown, ""), "publish", "--ndjson", "-"); got != "2 published, 0 of them duplicates\n" {
		t.Errorf("to another server: %q", got)
	}
	if got := other.must(strings.Join(shown, ""), "publish", "--ndjson", "-"); got != "2 published, 2 of them duplicates\n" {
		t.Errorf("to another server again: %q", got)
	}
}

// The events of a stream waited for 999 others, or its end.
func TestLinesOfAStreamArePublishedWhenItPauses(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	stream, ended := i.publishStream()
	for n := range 3 {
		_, _ = io.WriteString(stream, "{\"type\":\"order.created\",\"data\":{}}\n")
		i.must("", "tail", "--start", "earliest", "--count", string(rune('1'+n)))
	}
	_ = stream.Close()
	if got := <-ended; got.code != exitOK || got.stdout != "3 published, 0 of them duplicates\n" {
		t.Errorf("exit %d: %q, %q", got.code, got.stdout, got.stderr)
	}
}

// Lines that were refused in a pause were sent once more, and their error was printed twice.
func TestLinesRefusedInAPauseAreSentOnce(t *testing.T) {
	t.Parallel()
	stream, ended := newInstance(t).publishStream()
	_, _ = io.WriteString(stream, "{\"type\":\"not a type\",\"data\":{}}\n")
	if got := <-ended; got.code != exitRefused || strings.Count(got.stderr, "nothing from line 1 on was stored") != 1 {
		t.Errorf("exit %d: %q", got.code, got.stderr)
	}
}

// publishStream runs "publish --ndjson -" on lines that are written while it runs.
func (i *instance) publishStream() (lines *io.PipeWriter, ended <-chan outcome) {
	in, lines := io.Pipe()
	i.t.Cleanup(func() { _ = lines.Close() })
	variables := map[string]string{"POSTRIDER_URL": i.url, "POSTRIDER_DATA": i.folders}
	done := make(chan outcome, 1)
	go func() {
		var stdout, stderr bytes.Buffer
		code := execute(i.t.Context(), environment{
			stdin: in, stdout: &stdout, stderr: &stderr,
			lookup: func(name string) (string, bool) { value, ok := variables[name]; return value, ok },
		}, []string{"publish", "--ndjson", "-"})
		done <- outcome{code, stdout.String(), stderr.String()}
	}()
	return lines, done
}
