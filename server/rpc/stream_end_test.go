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
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/seal"
)

// endsWithin is a second, and what a busy machine adds. Who is not told would find out with the next heartbeat, after 15 s.
const endsWithin = 10 * time.Second

// Whatever it carries and however, a stream whose key is revoked ends within a second, with a code that is not worth
// repeating. Streams of other keys go on.
func TestEveryStreamEndsWithItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, id := w.key("operator", "", admin)
	c, over2 := w.as(key), &http.Client{Transport: &withKey{key, h2c()}}
	other := w.listen(http.DefaultClient, adminKey, "types=payment.*")
	other.expect("begin")
	ticket := w.ticket(key, `{}`)

	streams := map[string]func() error{}
	call := func(name string, receive func() bool, err func() error) {
		t.Helper()
		if !receive() {
			t.Fatalf("%s: %v", name, err())
		}
		streams[name] = func() error {
			for receive() {
				continue
			}
			return err()
		}
	}
	for name, options := range map[string][]connect.ClientOption{
		"Connect": nil, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
	} {
		stream, err := w.over(over2, options...).events.Subscribe(t.Context(), connect.NewRequest(&postriderv1.SubscribeRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		call(name, stream.Receive, stream.Err)
	}
	deliveries, err := c.deliveries.WatchDeliveries(t.Context(), connect.NewRequest(&postriderv1.WatchDeliveriesRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	call("WatchDeliveries", deliveries.Receive, deliveries.Err)
	watched, err := c.streams.WatchStreams(t.Context(), connect.NewRequest(&postriderv1.WatchStreamsRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	call("WatchStreams", watched.Receive, watched.Err)
	publishing := w.over(over2).events.PublishStream(t.Context())
	if err := publishing.Send(streamed("", "order.created", `{}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := publishing.Receive(); err != nil {
		t.Fatal(err)
	}
	streams["PublishStream"] = func() error { _, err := publishing.Receive(); return err }
	told := map[string]func() string{}
	for name, accept := range map[string]string{"SSE": "text/event-stream", "NDJSON": "application/x-ndjson"} {
		for by, query := range map[string]string{" by key": "", " by ticket": ticket} {
			shown := key
			if query != "" {
				shown = ""
			}
			response, _ := w.open(http.DefaultClient, shown, query, "Accept", accept)
			told[name+by] = func() string { text, _ := io.ReadAll(response.Body); return string(text) }
		}
	}

	began := time.Now()
	if _, err := w.admin().keys.RevokeApiKey(t.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: id})); err != nil {
		t.Fatal(err)
	}
	for name, end := range streams {
		if err := end(); codeOf(err) != "unauthenticated" || !strings.Contains(err.Error(), "the key is revoked") {
			t.Errorf("%s ends with %v", name, err)
		}
	}
	for name, rest := range told {
		if text := rest(); !strings.Contains(text, `"code":"unauthenticated","reason":"UNAUTHENTICATED","message":"the key is revoked","reconnect":false}`) {
			t.Errorf("%s ends with %s", name, text)
		}
	}
	if took := time.Since(began); took > endsWithin {
		t.Errorf("it took %v", took)
	}
	other.expectEvents(w.publishMany("payment.made", 1)...)
}

// A session that is over ends its streams with a code after which a client gets a new one and resumes.
func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	w := newWorld(t, func(config *server.Config) { config.Data = data })
	ring, err := seal.LoadKeyring("", data)
	if err != nil {
		t.Fatal(err)
	}
	secret, id := w.key("reader", "", consume)
	session := access.NewSession(id, access.HashKey(secret), time.Now())
	session.Expires = session.Issued.Add(8 * time.Second)
	source := w.listen(http.DefaultClient, "", "", "Cookie", "postrider_session="+access.SealSession(ring, session), "Sec-Fetch-Site", "same-origin")
	var told struct{ ExpireTime time.Time }
	if opened := source.expect("begin"); json.Unmarshal([]byte(opened.data), &told) != nil || !told.ExpireTime.Equal(session.Expires) {
		t.Errorf("opens with %s, want it to end at %v", opened.data, session.Expires)
	}
	if one := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{}).GetStreams()[0]; one.GetAdmission() != postriderv1.LiveStream_ADMISSION_SESSION {
		t.Errorf("listed as %v", one)
	}
	if end := source.expect("end"); !strings.Contains(end.data, `"code":"unauthenticated"`) || !strings.Contains(end.data, `"reconnect":false`) {
		t.Errorf("ends with %s", end.data)
	}
	if late := time.Since(session.Expires); late < 0 || late > endsWithin {
		t.Errorf("it ended %v after the session", late)
	}
}
