package rpc_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/coder/websocket"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
)

// Close codes of our own.
const (
	closeUnauthenticated = 4401
	closeForbidden       = 4403
)

// Every way to show who one is.
func TestWaysIntoASocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, _ := w.key("reader", "default", consume)
	ticket := w.bareTicket(key, `{}`)
	cookie := w.signIn(key)
	host := strings.TrimPrefix(w.url, "http://")
	for name, tt := range map[string]struct {
		query, key string
		header     []string
		expires    bool
	}{
		"header":               {key: key},
		"header of any case":   {header: []string{"authorization", "bearer " + key}},
		"cookie":               {header: []string{"Cookie", cookie.String(), "Origin", "http://" + host}, expires: true},
		"subprotocol":          {header: []string{"Sec-WebSocket-Protocol", "postrider.v1.json,postrider.bearer." + key}},
		"subprotocol first":    {header: []string{"Sec-WebSocket-Protocol", "postrider.bearer." + key + ",postrider.v1.json"}},
		"ticket":               {query: "?ticket=" + ticket, expires: true},
		"header before ticket": {query: "?ticket=nonsense", key: key},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, response, err := w.in(t).dial(tt.query, tt.key, tt.header...)
			if err != nil {
				t.Fatal(err)
			}
			if echoed := response.Header.Get("Sec-WebSocket-Protocol"); strings.Contains(echoed, "bearer") {
				t.Errorf("agreed on %q", echoed)
			}
			ready := s.next()
			if ready.Ready == nil || ready.Ready.Tenant != "default" || (ready.Ready.ExpireTime != "") != tt.expires {
				t.Fatalf("begins with %s", ready.raw)
			}
			s.subscribe("s", `{}`)
		})
	}
	for name, token := range map[string]string{"key": key, "ticket": ticket} {
		t.Run("first message with a "+name, func(t *testing.T) {
			t.Parallel()
			s := w.in(t).socket("", "")
			s.send(`{"id":"1","subscription":"s","subscribe":{}}`)
			if got := s.next(); got.ID != "1" || got.Error == nil || got.Error.Code != "unauthenticated" {
				t.Errorf("before it has shown who it is: %s", got.raw)
			}
			s.send(`{"id":"2","authenticate":{"token":"nonsense"}}`)
			if got := s.next(); got.ID != "2" || got.Error == nil || got.Error.Code != "unauthenticated" {
				t.Errorf("a wrong token: %s", got.raw)
			}
			s.send(`{"id":"3","authenticate":{"token":%q}}`, token)
			if got := s.next(); got.ID != "3" || got.Ready == nil || got.Ready.Tenant != "default" {
				t.Fatalf("the token: %s", got.raw)
			}
			s.subscribe("s", `{}`)
		})
	}
	t.Cleanup(func() {
		if logs := w.logs.String(); strings.Contains(logs, key) || strings.Contains(logs, ticket) {
			t.Error("the log has a key or a ticket")
		}
	})
}

// Scripts are refused with a status. What a browser sends is refused with a close code, since it shows pages no status.
func TestSocketsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *server.Config) { c.CORSOrigins = []string{"https://app.example.com"} })
	key, _ := w.key("reader", "", consume)
	for name, tt := range map[string]struct {
		query, key string
		header     []string
		status     int
		code       string
	}{
		"wrong key":      {key: "nonsense", status: 401, code: "unauthenticated"},
		"wrong scheme":   {header: []string{"Authorization", "Basic eDp5"}, status: 401, code: "unauthenticated"},
		"key in address": {query: "?key=" + key, status: 400, code: "invalid_argument"},
		"key as token":   {query: "?access_token=" + key, key: key, status: 400, code: "invalid_argument"},
		"compression":    {query: "?compression=zstd", key: key, status: 400, code: "invalid_argument"},
		"other origin":   {key: key, header: []string{"Origin", "https://evil.example"}, status: 403, code: "permission_denied"},
		"origin null":    {key: key, header: []string{"Origin", "null"}, status: 403, code: "permission_denied"},
		"similar origin": {key: key, header: []string{"Origin", "https://app.example.com.evil.example"}, status: 403, code: "permission_denied"},
		"subprotocol":    {key: key, header: []string{"Sec-WebSocket-Protocol", "mqtt"}, status: 400, code: "invalid_argument"},
		"key as only subprotocol": {
			header: []string{"Sec-WebSocket-Protocol", "postrider.bearer." + key}, status: 400, code: "invalid_argument",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := append([]string{
				"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
			}, tt.header...)
			got := w.in(t).do(http.MethodGet, socketPath+tt.query, tt.key, "", header...)
			if shown := got.error(t); got.status != tt.status || shown.Code != tt.code || strings.Contains(got.body, key) {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	for name, tt := range map[string]struct {
		query  string
		header []string
	}{
		"ticket":      {query: "?ticket=nonsense"},
		"subprotocol": {header: []string{"Sec-WebSocket-Protocol", "postrider.v1.json,postrider.bearer.nonsense"}},
		"cookie":      {header: []string{"Cookie", "postrider_session=nonsense", "Origin", w.url}},
	} {
		t.Run("browser with a wrong "+name, func(t *testing.T) {
			t.Parallel()
			last := w.in(t).socket(tt.query, "", tt.header...).expectClose(closeUnauthenticated)
			if len(last) != 1 || last[0].End == nil || last[0].End.Code != "unauthenticated" || last[0].End.Reconnect || last[0].Subscription != "" {
				t.Errorf("ends with %v", last)
			}
		})
	}
	for _, origin := range []string{"https://app.example.com", w.url} {
		if s, _, err := w.dial("", key, "Origin", origin); err != nil || s.next().Ready == nil {
			t.Errorf("origin %s: %v", origin, err)
		}
	}
	if got := w.do(http.MethodGet, socketPath, key, ""); got.status != http.StatusUpgradeRequired {
		t.Errorf("without an upgrade: %d %s", got.status, got.body)
	}
}

// A cookie is good for pages of the server only: another origin's page that may connect has to show something else.
func TestACookieFromElsewhereIsNotLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *server.Config) { c.CORSOrigins = []string{"https://app.example.com"} })
	key, _ := w.key("reader", "", consume)
	s := w.socket("", "", "Cookie", w.signIn(key).String(), "Origin", "https://app.example.com")
	s.send(`{"id":"1","subscription":"s","subscribe":{}}`)
	if got := s.next(); got.Error == nil || got.Error.Code != "unauthenticated" {
		t.Errorf("got %s", got.raw)
	}
}

// Each request needs its scope, and shows only what the key or the ticket may see.
func TestWhatASocketMayDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	reader, _ := w.key("reader", "default", consume)
	writer, _ := w.key("writer", "default", publish)
	const subscribeAll = `{"id":"x","subscription":"s","subscribe":{}}`
	const publishOne = `{"id":"x","publish":{"event":{"type":"order.created","data":{}}}}`
	narrow := w.bareTicket(reader, `{"types":["order.*"]}`)
	for name, tt := range map[string]struct {
		query, key, send, code string
	}{
		"reader publishes":             {key: reader, send: publishOne, code: "permission_denied"},
		"writer subscribes":            {key: writer, send: subscribeAll, code: "permission_denied"},
		"ticket publishes":             {query: "?ticket=" + narrow, send: publishOne, code: "permission_denied"},
		"reader in another tenant":     {key: reader, send: `{"id":"x","subscription":"s","subscribe":{"tenant":"acme"}}`, code: "not_found"},
		"writer in another tenant":     {key: writer, send: `{"id":"x","publish":{"tenant":"acme","event":{"type":"a","data":{}}}}`, code: "not_found"},
		"ticket for other types":       {query: "?ticket=" + narrow, send: `{"id":"x","subscription":"s","subscribe":{"types":["*"]}}`, code: "invalid_argument"},
		"subscription without a name":  {key: reader, send: `{"id":"x","subscribe":{}}`, code: "invalid_argument"},
		"expression that is none":      {key: reader, send: `{"id":"x","subscription":"s","subscribe":{"expression":"1 +"}}`, code: "invalid_argument"},
		"start that is none":           {key: reader, send: `{"id":"x","subscription":"s","subscribe":{"start":"noon"}}`, code: "invalid_argument"},
		"heartbeat out of bounds":      {key: reader, send: `{"id":"x","subscription":"s","subscribe":{"heartbeatInterval":"0.001s"}}`, code: "invalid_argument"},
		"two requests in one":          {key: reader, send: `{"id":"x","ping":{},"unsubscribe":{}}`, code: "invalid_argument"},
		"no request":                   {key: reader, send: `{"id":"x"}`, code: "invalid_argument"},
		"unknown request":              {key: reader, send: `{"id":"x","dance":{}}`, code: "invalid_argument"},
		"unknown field of a subscribe": {key: reader, send: `{"id":"x","subscription":"s","subscribe":{"typs":[]}}`, code: "invalid_argument"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := w.in(t).socket(tt.query, tt.key)
			s.next()
			s.send("%s", tt.send)
			if got := s.next(); got.ID != "x" || got.Error == nil || got.Error.Code != tt.code || got.Error.Message == "" {
				t.Errorf("got %s, want %s", got.raw, tt.code)
			}
			s.send(`{"id":"y","ping":{}}`)
			if got := s.next(); got.ID != "y" || got.Pong == nil {
				t.Errorf("afterwards: %s", got.raw)
			}
		})
	}
	s := w.socket("?ticket="+narrow, "")
	s.next()
	s.subscribe("s", `{"start":"earliest"}`)
	s.send(`{"id":"x","subscription":"s","update":{"types":["payment.*"]}}`)
	if got := s.next(); got.Error == nil || got.Error.Violations[0].Field != "types" {
		t.Errorf("an update past the ticket: %s", got.raw)
	}
	w.publish("payment.made", `{}`)
	s.expectEvents("s", w.publish("order.created", `{}`).GetId())
}

// A revoked key ends its connections within a second: first the subscriptions, then the connection.
func TestARevokedKeyEndsSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, id := w.key("reader", "", consume)
	s, idle := w.readySocket(key), w.readySocket(key)
	opened := s.subscribe("s", `{}`)
	if _, err := w.admin().keys.RevokeApiKey(t.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: id})); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	last := s.expectClose(closeUnauthenticated)
	if took := time.Since(began); took > endsWithin {
		t.Errorf("took %v", took)
	}
	if len(last) != 2 || last[0].End == nil || last[0].Subscription != "s" || last[0].End.Cursor != opened.Message.Cursor ||
		last[1].End == nil || last[1].Subscription != "" || last[1].End.Reconnect || last[1].End.Code != "unauthenticated" {
		t.Errorf("ends with %v", last)
	}
	idle.expectClose(closeUnauthenticated)
}

// Other credentials carry on what is open, without a gap, when the first ones end.
func TestASocketIsRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	first, firstID := w.key("first", "default", consume)
	second, secondID := w.key("second", "default", consume)
	elsewhere, _ := w.key("elsewhere", "acme", consume)
	s := w.readySocket(first)
	s.subscribe("s", `{"start":"earliest"}`)
	s.expectEvents("s", w.publishMany("order.created", 3)...)
	for name, token := range map[string]string{
		"another tenant's key": elsewhere, "a ticket for less": w.bareTicket(second, `{"types":["payment.*"]}`),
	} {
		s.send(`{"id":"x","authenticate":{"token":%q}}`, token)
		if got := s.next(); got.ID != "x" || got.Error == nil || got.Error.Code != "permission_denied" {
			t.Errorf("%s: %s", name, got.raw)
		}
	}
	s.send(`{"id":"y","authenticate":{"token":%q}}`, second)
	if got := s.next(); got.ID != "y" || got.Ready == nil {
		t.Fatalf("renewed with %s", got.raw)
	}
	if _, err := w.admin().keys.RevokeApiKey(t.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: firstID})); err != nil {
		t.Fatal(err)
	}
	w.readySocket(second).conn.CloseNow()
	witness := w.readySocket(second)
	s.expectEvents("s", w.publishMany("order.created", 3)...)
	if list := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{}); list.GetTotal() != 1 || list.GetStreams()[0].GetApiKeyId() != secondID {
		t.Errorf("listed as %v", list)
	}
	if _, err := w.admin().keys.RevokeApiKey(t.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: secondID})); err != nil {
		t.Fatal(err)
	}
	s.expectClose(closeUnauthenticated)
	witness.expectClose(closeUnauthenticated)
}

// A socket ends with its ticket, unless it has shown a newer one meanwhile.
func TestASocketEndsWithItsTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, _ := w.key("reader", "", consume)
	made, err := w.admin().events.CreateStreamTicket(t.Context(), connect.NewRequest(&postriderv1.CreateStreamTicketRequest{
		Lifetime: durationpb.New(8 * time.Second),
	}))
	if err != nil {
		t.Fatal(err)
	}
	renewed, ending := w.socket("?ticket="+made.Msg.GetTicket(), ""), w.socket("?ticket="+made.Msg.GetTicket(), "")
	for _, s := range []*socket{renewed, ending} {
		if first := s.next(); first.Ready == nil || first.Ready.ExpireTime == "" {
			t.Fatalf("begins with %s", first.raw)
		}
		s.subscribe("s", `{"start":"earliest"}`)
	}
	renewed.send(`{"id":"y","authenticate":{"token":%q}}`, w.bareTicket(key, `{}`))
	if got := renewed.next(); got.ID != "y" || got.Ready == nil {
		t.Fatalf("renewed with %s", got.raw)
	}
	last := ending.expectClose(closeUnauthenticated)
	if n := len(last); n < 2 || last[n-2].End == nil || last[n-2].Subscription != "s" || last[n-2].End.Cursor == "" ||
		last[n-1].End == nil || !strings.Contains(last[n-1].End.Message, "expired") {
		t.Errorf("ends with %v", last)
	}
	renewed.expectEvents("s", w.publishMany("order.created", 3)...)
}

// An operator ends one subscription; the connection and the others go on.
func TestAnOperatorEndsASubscriptionOfASocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.readySocket(adminKey)
	ended := s.subscribe("one", `{}`)
	s.subscribe("two", `{}`)
	_, err := w.admin().streams.DisconnectStream(soon(t), connect.NewRequest(&postriderv1.DisconnectStreamRequest{Id: ended.Message.Begin.Stream}))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.next(); got.Subscription != "one" || got.End == nil || got.End.Reconnect || got.End.Reason != "DISCONNECTED" {
		t.Errorf("ends with %s", got.raw)
	}
	s.expectEvents("two", w.publish("order.created", `{}`).GetId())
}

// A server that stops says so, and when to come back.
func TestAStoppingServerEndsSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, silent := w.readySocket(adminKey), w.socket("", "")
	s.subscribe("s", `{}`)
	stopped := make(chan error, 1)
	go func() { stopped <- w.stop() }()
	last := s.expectClose(websocket.StatusServiceRestart)
	if len(last) != 2 || last[0].Subscription != "s" || !last[0].End.Reconnect || last[1].End == nil || !last[1].End.Reconnect ||
		last[1].End.Reason != "SHUTTING_DOWN" {
		t.Errorf("ends with %v", last)
	}
	silent.expectClose(websocket.StatusServiceRestart)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
