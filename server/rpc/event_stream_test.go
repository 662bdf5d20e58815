package rpc_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server"
)

const streamPath = "/v1/events/stream"

func (w *world) publishMany(eventType string, n int) []string {
	w.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = w.publish(eventType, fmt.Sprintf(`{"n":%d}`, i)).GetId()
	}
	return ids
}

func TestEventStream(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]*http.Client{"HTTP/1.1": http.DefaultClient, "HTTP/2.0": overH2C()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			before := w.publishMany("order.created", 3)
			stream := w.listen(client, adminKey, "start=earliest")
			if stream.proto != name {
				t.Errorf("protocol %s", stream.proto)
			}
			if stream.chunked {
				t.Error("the answer comes in chunks, which take more writes")
			}
			for header, want := range map[string]string{"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no", "Content-Encoding": ""} {
				if got := stream.header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			opened := stream.expect("begin")
			if opened.id == "" || !strings.HasPrefix(opened.data, `{"cursor":"`+opened.id+`","live":false,"stream":"str_`) || stream.retry < time.Second || stream.retry > 2*time.Second {
				t.Errorf("opens with %+v, retry %v", opened, stream.retry)
			}
			stream.expectEvents(before...)
			stream.expectEvents(w.publishMany("order.created", 20)...)
		})
	}
}

// What a browser does: it connects again, to the same address, with the id of the last event it got. It gets each event
// once, whenever its connection broke and although the server was another process by then.
func TestAnEventStreamResumes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	keep := func(config *server.Config) { config.Data = data }
	w := newWorld(t, keep)
	const query = "types=order.*&start=now"
	stream := w.listen(http.DefaultClient, adminKey, query)
	stream.expect("begin")
	published, seen := []string(nil), []string(nil)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		for range 30 {
			w.publish("payment.made", `{}`)
			published = append(published, w.publish("order.created", `{}`).GetId())
		}
		for range random.IntN(len(published) - len(seen) + 1) {
			seen = append(seen, stream.expect("message").eventID(t))
		}
		stream.cancel()
		if round%4 == 3 {
			if err := w.stop(); err != nil {
				t.Fatal(err)
			}
			w = newWorld(t, keep)
		}
		last := stream.last
		// The newer id is in the header; the address still has what it had at first.
		stream = w.listen(http.DefaultClient, adminKey, query+"&last_event_id="+stream.last[:len(stream.last)-1]+"0", "Last-Event-ID", last)
		if opened := stream.expect("begin"); opened.id != last {
			t.Fatalf("resumes at %s, want %s", opened.id, last)
		}
	}
	for len(seen) < len(published) {
		seen = append(seen, stream.expect("message").eventID(t))
	}
	if !slices.Equal(seen, published) {
		t.Errorf("got %d events, want the %d published, each once and in order", len(seen), len(published))
	}
	byParameter := w.listen(http.DefaultClient, adminKey, query+"&last_event_id="+stream.last)
	byParameter.expect("begin")
	byParameter.expectEvents(w.publish("order.created", `{}`).GetId())
}

func TestAnEventStreamIsFiltered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expression := url.QueryEscape(`event.data.n > 1.0`)
	lists := w.listen(http.DefaultClient, adminKey, "types=order.*,payment.made&expression="+expression)
	repeats := w.listen(http.DefaultClient, adminKey, "types=order.*&types=payment.made&expression="+expression)
	orders, payments := w.publishMany("order.created", 4), w.publishMany("payment.made", 3)
	w.publishMany("payment.refunded", 3)
	last := w.publish("order.closed", `{"n":7}`).GetId()
	for _, stream := range []*eventSource{lists, repeats} {
		stream.expect("begin")
		stream.expectEvents(orders[2], orders[3], payments[2], last)
	}
}

// Data comes as a plain object, byte for byte as it was published: no number is rounded on the way.
func TestDataOfAnEventStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stream := w.listen(http.DefaultClient, adminKey, "types=order.*,shop.*")
	stream.expect("begin")
	lines := w.listenLines("types=order.*,shop.*")
	w.publish("order.created", "{\n\t\"n\": 9007199254740993,\r\n \"text\": \"a\\nb\"\r}")
	w.publish("shop.v1.CustomerRegistered", customer)
	want := []string{`"data":{ 	"n": 9007199254740993,   "text": "a\nb" },`, `"tier":"CUSTOMER_TIER_STANDARD"`}
	for _, part := range want {
		if event := stream.expect("message"); !strings.Contains(event.data, part) || !json.Valid([]byte(event.data)) {
			t.Errorf("data %s, want %s", event.data, part)
		}
		if line := lines.nextEvent(); !strings.Contains(line, part) {
			t.Errorf("line %s, want %s", line, part)
		}
	}
}

func TestAnEventStreamTellsOfAGap(t *testing.T) {
	t.Parallel()
	elsewhere := newWorld(t).publish("order.created", `{}`).GetCursor()
	w := newWorld(t)
	own := w.publish("order.created", `{}`).GetId()
	stream := w.listen(http.DefaultClient, adminKey, "", "Last-Event-ID", elsewhere)
	opened := stream.expect("begin")
	if opened.id != "" || stream.last != "" {
		t.Error("a connection that breaks here would not hear of the gap again")
	}
	gap := stream.expect("gap")
	var told struct{ Reason, Message string }
	if err := json.Unmarshal([]byte(gap.data), &told); err != nil || told.Reason != "GAP_REASON_LOG_REPLACED" || told.Message == "" ||
		!strings.HasPrefix(opened.data, `{"cursor":"`+gap.id+`","live":false,"stream":"str_`) {
		t.Errorf("%+v, %+v, %v", opened, gap, err)
	}
	stream.expectEvents(own)
}

func TestHeartbeatsOfAnEventStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stream := w.listen(http.DefaultClient, adminKey, "types=never&heartbeat=100ms")
	begin := stream.expect("begin").id
	if ping := stream.expect("ping"); ping.id != "" || ping.data != `{"cursor":"`+begin+`","live":true}` {
		t.Errorf("a ping of a stream at rest: %+v", ping)
	}
	last := w.publish("order.created", `{}`).GetCursor()
	for stream.last == begin {
		stream.expect("ping")
	}
	if stream.last != last {
		t.Errorf("the place is %s, want %s", stream.last, last)
	}
}

// Each event comes once, with the names of all filters that select it, in both forms.
func TestSeveralFiltersOnAnEventStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	filters := url.Values{"filter": {
		`{"name":"orders","types":["order.*"]}`, `{"name":"large","types":["order.closed","payment.made"],"expression":"event.data.n > 1.0"}`,
		`{"name":"closed","types":["order.closed"]}`,
	}}.Encode()
	stream, lines := w.listen(http.DefaultClient, adminKey, filters), w.listenLines(filters)
	stream.expect("begin")
	for _, tt := range []struct{ eventType, data, names string }{
		{"payment.made", `{"n":1}`, ""},
		{"order.created", `{"n":1}`, `["orders"]`},
		{"payment.made", `{"n":2}`, `["large"]`},
		{"order.closed", `{"n":3}`, `["orders","large","closed"]`},
	} {
		id := w.publish(tt.eventType, tt.data).GetId()
		if tt.names == "" {
			continue
		}
		event := stream.expect("message")
		if event.eventID(t) != id || !strings.HasSuffix(event.data, `,"filters":`+tt.names+`}`) || !json.Valid([]byte(event.data)) {
			t.Errorf("%s %s comes as %s, want filters %s", tt.eventType, tt.data, event.data, tt.names)
		}
		if line := lines.nextEvent(); !strings.HasSuffix(line, `},"filters":`+tt.names+`}`) {
			t.Errorf("%s %s comes as %s, want filters %s", tt.eventType, tt.data, line, tt.names)
		}
	}
}

func TestWhatAnEventStreamRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reader, _ := w.key("reader", "", consume)
	publisher, _ := w.key("publisher", "", publish)
	cookie := w.signIn(adminKey).String()
	cursor := w.publish("order.created", `{}`).GetCursor()
	for _, tt := range []struct {
		name, key, query string
		header           []string
		status           int
		reason, message  string
	}{
		{"unknown parameter", reader, "type=order.created", nil, 400, "INVALID_FIELD", "type: is not a parameter"},
		{"a key in the address", "", "key=" + adminKey, nil, 401, "UNAUTHENTICATED", "there is no key"},
		{"a key in the address too", reader, "api_key=" + adminKey, nil, 400, "INVALID_FIELD", "api_key: is not a parameter"},
		{"filters that are no JSON", reader, "filter=order.*", nil, 400, "INVALID_FIELD", "filters[0]: must be a JSON object"},
		{"an unknown member of a filter", reader, "filter={}&filter=" + url.QueryEscape(`{"name":"a","type":"b"}`), nil, 400, "INVALID_FIELD", `filters[1]: must be a JSON object such as {"name":"orders","types":["order.*"]}: type: unknown field`},
		{"filters beside types", reader, "types=a&filter=" + url.QueryEscape(`{"name":"a"}`), nil, 400, "INVALID_FIELD", "types: cannot be combined with filters"},
		{"an expression of a filter", reader, "filter=" + url.QueryEscape(`{"name":"a"}`) + "&filter=" + url.QueryEscape(`{"name":"b","expression":"event.typ == 'x'"}`), nil, 400, "INVALID_FILTER", "filters[1].expression: 1:7: undefined field 'typ'"},
		{"a slow policy", reader, "slow_policy=DROP", nil, 400, "INVALID_FIELD", "slow_policy: must be catch_up, latest_by_key, drop or disconnect"},
		{"types", reader, "types=order.*,a+b", nil, 400, "INVALID_FIELD", `types[1]: "a b" is not an event type`},
		{"too many types", reader, "types=" + strings.Repeat("a,", 100) + "b", nil, 400, "INVALID_FIELD", "types: must have at most 100"},
		{"expression", reader, "expression=event.typ", nil, 400, "INVALID_FILTER", "undefined field"},
		{"long expression", reader, "expression=" + strings.Repeat("1", 5000), nil, 400, "INVALID_FIELD", "expression: must have at most 4096"},
		{"start", reader, "start=yesterday", nil, 400, "INVALID_CURSOR", "start: must be"},
		{"no types, which are not all", reader, "types=", nil, 400, "INVALID_FIELD", "types: is empty; leave it out"},
		{"no expression, which is not true", reader, "expression=", nil, 400, "INVALID_FIELD", "expression: is empty; leave it out"},
		{"start twice", reader, "start=now&start=earliest", nil, 400, "INVALID_FIELD", "start: is given 2 times"},
		{"heartbeat", reader, "heartbeat=often", nil, 400, "INVALID_FIELD", "heartbeat: must be a time span"},
		{"heartbeat too short", reader, "heartbeat=1ms", nil, 400, "INVALID_FIELD", "heartbeat: must lie between"},
		{"heartbeat too long", reader, "heartbeat=1h", nil, 400, "INVALID_FIELD", "heartbeat: must lie between"},
		{"last event id", reader, "last_event_id=7", nil, 400, "INVALID_CURSOR", "last_event_id: must be"},
		{"a time as last event id", reader, "last_event_id=2020-01-01T00:00:00Z", nil, 400, "INVALID_CURSOR", "last_event_id: must be"},
		{"header", reader, "last_event_id=" + cursor, []string{"Last-Event-ID", "x"}, 400, "INVALID_CURSOR", "Last-Event-ID: must be"},
		{"malformed query", reader, "types=%zz", nil, 400, "INVALID_FIELD", "malformed"},
		{"tenant", reader, "tenant=nobody", nil, 404, "NOT_FOUND", `tenant "nobody" does not exist`},
		{"no key", "", "", nil, 401, "UNAUTHENTICATED", "there is no key"},
		{"unknown key", "prk_nobody", "", nil, 401, "UNAUTHENTICATED", "not one of this server"},
		{"scope", publisher, "", nil, 403, "MISSING_SCOPE", "scope consume"},
		{"another site", "", "", []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, 403, "UNAUTHENTICATED", "pages of this server"},
		{"another site in an old browser", "", "", []string{"Cookie", cookie, "Origin", "https://evil.example"}, 403, "UNAUTHENTICATED", "pages of this server"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := w.do(http.MethodGet, streamPath+"?"+tt.query, tt.key, "", append(tt.header, "Accept", "text/event-stream")...)
			told := got.error(t)
			if got.status != tt.status || told.reason() != tt.reason || !strings.Contains(told.Message, tt.message) ||
				got.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
				t.Errorf("%d %v %s", got.status, got.header, got.body)
			}
		})
	}
	if head := w.do(http.MethodHead, streamPath, reader, ""); head.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD: %d", head.status)
	}
	if strings.Contains(w.logs.String(), adminKey) {
		t.Error("a key is in the log")
	}
}

func TestASessionOpensAnEventStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stream := w.listen(http.DefaultClient, "", "", "Cookie", w.signIn(adminKey).String(), "Sec-Fetch-Site", "same-origin")
	stream.expect("begin")
	stream.expectEvents(w.publish("order.created", `{}`).GetId())
}

func TestEventStreamsEndWithAReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, id := w.key("reader", "", consume)
	revoked, stopped := w.listen(http.DefaultClient, key, ""), w.listen(overH2C(), adminKey, "")
	lines := w.listenLines("")
	revoked.expect("begin")
	stopped.expect("begin")
	if _, err := w.admin().keys.RevokeApiKey(t.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: id})); err != nil {
		t.Fatal(err)
	}
	const unauthenticated = `{"code":"unauthenticated","reason":"UNAUTHENTICATED","message":"the key is revoked","reconnect":false}`
	if end := revoked.expect("end"); end.data != unauthenticated || end.id != "" {
		t.Errorf("after the revocation: %+v", end)
	}
	if _, more := revoked.next(); more {
		t.Error("there is something after the end")
	}
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	const stopping = `{"code":"unavailable","reason":"SHUTTING_DOWN","message":"the server is stopping; connect again","reconnect":true}`
	if end := stopped.expect("end"); end.data != stopping {
		t.Errorf("when the server stops: %+v", end)
	}
	lines.next() // begin
	if line := lines.next(); line != `{"end":`+stopping+`}` {
		t.Errorf("the last line is %s", line)
	}
}

// A reader that has stopped reading holds up nobody, and the server stops in spite of it.
func TestASlowReaderHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	_, _ = fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", streamPath, adminKey)
	if _, err := io.ReadFull(connection, make([]byte, 15)); err != nil { // The stream has begun; not a byte more is read.
		t.Fatal(err)
	}
	quick := w.listen(http.DefaultClient, adminKey, "")
	quick.expect("begin")
	large := `{"text":"` + strings.Repeat("x", 900<<10) + `"}`
	for range 20 { // More than the buffers of a connection hold.
		quick.expectEvents(w.publish("order.created", large).GetId())
	}
	if err := w.stop(); err != nil { // As it would be, were the stop not over in its time.
		t.Fatal(err)
	}
}

func TestLinesOfJSON(t *testing.T) {
	t.Parallel()
	elsewhere := newWorld(t).publish("order.created", `{}`).GetCursor()
	w := newWorld(t)
	first := w.publish("order.created", `{"n":1}`)
	lines := w.listenLines("heartbeat=100ms", "Last-Event-ID", elsewhere)
	var begin struct {
		Cursor string
		Begin  struct{ Gap struct{ Reason string } }
	}
	if err := json.Unmarshal([]byte(lines.next()), &begin); err != nil || begin.Cursor == "" || begin.Begin.Gap.Reason != "GAP_REASON_LOG_REPLACED" {
		t.Errorf("begins with %+v, %v", begin, err)
	}
	var message struct {
		Cursor string
		Event  struct {
			ID   string
			Data struct{ N int }
		}
	}
	if err := json.Unmarshal([]byte(lines.next()), &message); err != nil || message.Event.ID != first.GetId() ||
		message.Cursor != first.GetCursor() || message.Event.Data.N != 1 {
		t.Errorf("event %+v, %v", message, err)
	}
	var beat struct {
		Cursor    string
		Heartbeat *struct{ Live bool }
	}
	if err := json.Unmarshal([]byte(lines.next()), &beat); err != nil || beat.Cursor != first.GetCursor() || beat.Heartbeat == nil || !beat.Heartbeat.Live {
		t.Errorf("heartbeat %+v, %v", beat, err)
	}
	second := w.publish("order.created", `{}`)
	resumed := w.listenLines("start=" + first.GetCursor())
	if line := resumed.nextEvent(); !strings.Contains(line, second.GetId()) {
		t.Errorf("after resuming: %s", line)
	}
}
