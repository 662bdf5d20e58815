package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

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
	found := ""
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(found, "retrying") && time.Now().Before(deadline); {
		found = list("--subscription", "billing")
	}
	fields := strings.Fields(found)
	id := fields[len(fields)-1]
	if !strings.HasPrefix(id, "dlv_") || !strings.Contains(found, "order.created") {
		t.Fatalf("list: %s", found)
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
		`"data":{"n":1}}`, `answer: no \u001b[2Jsuch order`,
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
