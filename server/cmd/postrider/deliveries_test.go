package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What an answer lacks was not said, and neither was what a delivery waits for that has no next attempt.
func TestDeliveriesShowSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		} else {
			_, _ = w.Write([]byte("part"))
		}
	}))
	t.Cleanup(hook.Close)
	for _, name := range []string{"gone", "cut"} {
		i.must("", "subscriptions", "create", name, "--url", hook.URL+"/"+name)
	}
	i.must("", "publish", "order.created", `{"n":1}`)
	for name, want := range map[string]string{
		"gone": "next attempt when the subscription continues: postrider subscriptions get sub_",
		"cut":  "response (first part): part\n",
	} {
		if shown := i.must("", "deliveries", "show", i.attempted(name)); !strings.Contains(shown, want) {
			t.Errorf("%q is not in %s", want, shown)
		}
	}
	if shown := i.must("", "deliveries", "show", i.attempted("gone")); !strings.Contains(shown, "response: cut off before its body\n") {
		t.Errorf("an answer without its body: %s", shown)
	}
}

// What the README calls dead until it is retried could not be retried from the shell.
func TestDeadDeliveriesAreRetriedFromTheShell(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	var mended atomic.Bool
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !mended.Load() {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(hook.Close)
	i.must("", "subscriptions", "create", "billing", "--url", hook.URL, "--retry", "100ms")
	i.must("", "publish", "order.created", `{"n":1}`)
	i.must("", "publish", "order.created", `{"n":2}`)
	dead := i.deliveries("dead", 2)
	mended.Store(true)
	want := dead[0] + " will be retried as soon as possible\n" + dead[1] + " will be retried as soon as possible\n"
	if got := i.must("", "deliveries", "retry", dead[0], dead[1]); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	i.deliveries("delivered", 2)
	if got := i.run("", "deliveries", "retry"); got.code != exitUsage {
		t.Errorf("without an id: exit %d, %s", got.code, got.stderr)
	}
	if got := i.run("", "deliveries", "retry", "dlv_1"); got.code != exitRefused {
		t.Errorf("no delivery: exit %d, %s", got.code, got.stderr)
	}
	if got := i.run("", "deliveries", "list", "--limit", "-1"); got.code != exitUsage || !strings.Contains(got.stderr, "--limit: ") {
		t.Errorf("a negative limit: exit %d, %s", got.code, got.stderr)
	}
}

// deliveries waits until n deliveries are in a state, and returns their ids.
func (i *instance) deliveries(state string, n int) (ids []string) {
	i.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		lines := strings.Split(strings.TrimSpace(i.must("", "deliveries", "list", "--state", state)), "\n")[1:]
		if len(lines) < n {
			continue
		}
		for _, line := range lines {
			fields := strings.Fields(line)
			ids = append(ids, fields[len(fields)-1])
		}
		return ids
	}
	i.t.Fatalf("not %d deliveries are %s", n, state)
	return nil
}

// attempted waits until a subscription's only delivery has been tried, and returns its id.
func (i *instance) attempted(subscription string) string {
	i.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		fields := strings.Fields(i.must("", "deliveries", "list", "--subscription", subscription, "--state", "retrying,delivered"))
		if id := fields[len(fields)-1]; strings.HasPrefix(id, "dlv_") {
			return id
		}
	}
	i.t.Fatalf("no attempt of %s", subscription)
	return ""
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no \x1b[2Jsuch order", http.StatusBadRequest)
	}))
	t.Cleanup(hook.Close)
	i.must("", "subscriptions", "create", "billing", "--url", hook.URL+"/first", "--header", "X-Token: abc", "--retry", "1h")
	i.must("", "publish", "order.created", `{"n":1}`)
	list := func(args ...string) string { return i.must("", append([]string{"deliveries", "list"}, args...)...) }
	id := i.attempted("billing")
	if got := list("--subscription", "billing"); !strings.Contains(got, "order.created") {
		t.Errorf("list: %s", got)
	}
	if got := list("--state", "dead,delivered"); strings.Contains(got, id) {
		t.Errorf("dead and delivered ones: %s", got)
	}
	if got := list("--state", "retrying", "--limit", "1", "--json"); !strings.Contains(got, `"id":"`+id+`"`) {
		t.Errorf("as JSON: %s", got)
	}
	i.must("", "subscriptions", "update", "billing", "--url", hook.URL+"/second")
	shown := i.must("", "deliveries", "show", id)
	for _, part := range []string{
		"#1 ", "(first) event_failure, status 400", "POST " + hook.URL + "/first\n", "X-Token: •••\n", "Webhook-Signature: v1,",
		`"data":{"n":1}}`, `response: no \u001b[2Jsuch order`, "\nnext attempt 2",
	} {
		if !strings.Contains(shown, part) {
			t.Errorf("%q is not in %s", part, shown)
		}
	}
	if got := i.must("", "deliveries", "show", id, "--json"); !strings.Contains(got, `"bodyState":"ATTEMPT_BODY_STATE_SHOWN"`) {
		t.Errorf("as JSON: %s", got)
	}
	if got := i.run("", "deliveries", "list", "--state", "lost"); got.code != exitUsage {
		t.Errorf("a state that is none: exit %d, %s", got.code, got.stderr)
	}
	if got := i.run("", "deliveries", "show", "dlv_1"); got.code != exitRefused {
		t.Errorf("no delivery: exit %d, %s", got.code, got.stderr)
	}
}
