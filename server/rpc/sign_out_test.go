package rpc_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
)

// A copy of the cookie, a ticket made in the session, and every stream that either let in, end with it.
func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	w := newWorld(t, func(config *server.Config) { config.Data = data })
	header := func(cookie *http.Cookie) []string {
		return []string{"Cookie", cookie.String(), "Sec-Fetch-Site", "same-origin", "Origin", w.url}
	}
	own, other := header(w.signIn(adminKey)), header(w.signIn(adminKey))
	made := w.do(http.MethodPost, "/postrider.v1.EventService/CreateStreamTicket", "", `{}`, own...)
	var issued struct{ Ticket string }
	if err := json.Unmarshal([]byte(made.body), &issued); err != nil || issued.Ticket == "" {
		t.Fatalf("ticket: %d %s", made.status, made.body)
	}
	ticket := issued.Ticket

	ends := map[string]func() string{}
	for name, query := range map[string]string{"SSE by cookie": "", "SSE by ticket": "ticket=" + ticket} {
		shown := own
		if query != "" {
			shown = nil
		}
		response, _ := w.open(http.DefaultClient, "", query, shown...)
		ends[name] = func() string { text, _ := io.ReadAll(response.Body); return string(text) }
	}
	sockets := map[string]*socket{
		"WebSocket by cookie": w.socket("", "", own...), "WebSocket by ticket": w.socket("?ticket="+ticket, ""),
	}
	for name, one := range sockets {
		if first := one.next(); first.Ready == nil {
			t.Fatalf("%s begins with %s", name, first.raw)
		}
	}
	request := connect.NewRequest(&postriderv1.WatchDeliveriesRequest{})
	for i := 0; i < len(own); i += 2 {
		request.Header().Set(own[i], own[i+1])
	}
	watch, err := w.as("").deliveries.WatchDeliveries(t.Context(), request)
	if err != nil || !watch.Receive() {
		t.Fatal(err, watch.Err())
	}
	still := w.listen(http.DefaultClient, "", "types=payment.*", other...)
	still.expect("begin")

	began := time.Now()
	if got := w.do(http.MethodPost, sessionPath+"DeleteSession", "", "{}", own...); got.status != http.StatusOK {
		t.Fatalf("sign out: %d %s", got.status, got.body)
	}
	for name, end := range ends {
		if text := end(); !strings.Contains(text, `"code":"unauthenticated"`) || !strings.Contains(text, "the session has ended") {
			t.Errorf("%s ends with %s", name, text)
		}
	}
	for name, one := range sockets {
		if last := one.next(); last.End == nil && (last.Error == nil || last.Error.Code != "unauthenticated") {
			t.Errorf("%s ends with %s", name, last.raw)
		}
	}
	for watch.Receive() {
		continue
	}
	if codeOf(watch.Err()) != "unauthenticated" {
		t.Errorf("WatchDeliveries ends with %v", watch.Err())
	}
	if took := time.Since(began); took > endsWithin {
		t.Errorf("it took %v", took)
	}
	still.expectEvents(w.publishMany("payment.made", 1)...)

	expectSignedOut := func(w *world, when string) {
		t.Helper()
		if got := w.do(http.MethodPost, listPath, "", "{}", own...); got.status != http.StatusUnauthorized {
			t.Errorf("%s the cookie lists events: %d %s", when, got.status, got.body)
		}
		if got := w.do(http.MethodGet, streamPath+"?ticket="+ticket, "", "", "Accept", "text/event-stream"); got.status != http.StatusUnauthorized {
			t.Errorf("%s the ticket opens a stream: %d %s", when, got.status, got.body)
		}
		if got := w.do(http.MethodPost, listPath, "", "{}", other...); got.status != http.StatusOK {
			t.Errorf("%s another session of the key has ended, too: %d %s", when, got.status, got.body)
		}
		if got := w.do(http.MethodPost, sessionPath+"DeleteSession", "", "{}", own...); got.status != http.StatusOK {
			t.Errorf("%s signing out again: %d %s", when, got.status, got.body)
		}
	}
	expectSignedOut(w, "after signing out")
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	expectSignedOut(newWorld(t, func(config *server.Config) { config.Data = data }), "after a restart")
}

// Another site's page cannot sign somebody out, and a cookie that lets nobody in writes nothing.
func TestSigningOutIsForPagesOfThisServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie := w.signIn(adminKey).String()
	if got := w.do(http.MethodPost, sessionPath+"DeleteSession", "", "{}", "Cookie", cookie, "Sec-Fetch-Site", "cross-site"); got.status != http.StatusForbidden {
		t.Errorf("another site signs out: %d %s", got.status, got.body)
	}
	for _, none := range []string{"postrider_session=AAAA", "postrider_session=", "other=1"} {
		if got := w.do(http.MethodPost, sessionPath+"DeleteSession", "", "{}", "Cookie", none); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", none, got.status, got.body)
		}
	}
	if got := w.do(http.MethodPost, listPath, "", "{}", "Cookie", cookie); got.status != http.StatusOK {
		t.Errorf("the session has ended: %d %s", got.status, got.body)
	}
}
