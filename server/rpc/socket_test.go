package rpc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// Both subprotocols carry what Subscribe carries in the same encoding: the payload's text to the letter in JSON, the
// message or the text in binary.
func TestASocketShowsEventsAsSubscribeDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const odd = `{"n":9007199254740993,"price":1.10,"@type":"x","é":"\u00e9","lines":[1,2]}`
	w.publish("order.created", odd)
	w.publish("shop.v1.CustomerRegistered", customer)
	w.publish("order.created", "{\n \"a\": 1\n}")

	inJSON, inProto := w.readySocket(adminKey), w.socket("", adminKey, "Sec-WebSocket-Protocol", "postrider.v1.proto")
	inJSON.subscribe("s", `{"start":"earliest"}`)
	inProto.nextProto()
	inProto.sendProto(&postriderv1.SocketRequest{Id: "1", Subscription: "s", Request: &postriderv1.SocketRequest_Subscribe{
		Subscribe: &postriderv1.SubscribeRequest{Start: "earliest"},
	}})
	if first := inProto.nextProto(); first.GetId() != "1" || first.GetMessage().GetBegin() == nil {
		t.Fatalf("opens with %v", first)
	}
	lines := w.listenLines("start=earliest")
	lines.next()
	called := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Start: "earliest"})
	for i := range 3 {
		got, _ := inJSON.event("s")
		// NDJSON makes spaces of line breaks, which JSON may have between its tokens.
		want := `{"subscription":"s","message":` + lines.next() + `}`
		if strings.ReplaceAll(got.raw, "\n", " ") != want {
			t.Errorf("in JSON, event %d is\n%s, want\n%s", i, got.raw, want)
		}
		if i == 0 && !strings.Contains(got.raw, `"data":`+odd) {
			t.Errorf("the payload is not as it was published: %s", got.raw)
		}
		if !called.Receive() {
			t.Fatal(called.Err())
		}
		if got := inProto.nextProto(); got.GetSubscription() != "s" || !proto.Equal(got.GetMessage(), called.Msg()) {
			t.Errorf("in Protobuf, event %d is %v, want %v", i, got, called.Msg())
		}
	}
}

// One cursor holds on every transport: a reader goes on elsewhere after each few events, and has each once.
func TestAReaderChangesTransports(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.publishMany("order.created", 40)
	start := "earliest"
	var got []string
	for round := range 8 {
		switch round % 4 {
		case 0:
			source := w.listen(http.DefaultClient, adminKey, "start="+start)
			source.expect("begin")
			for range 5 {
				got = append(got, source.expect("message").eventID(t))
			}
			start = source.last
			source.cancel()
		case 1:
			s := w.readySocket(adminKey)
			s.subscribe("s", fmt.Sprintf(`{"start":%q}`, start))
			for range 5 {
				one, id := s.event("s")
				got, start = append(got, id), one.Message.Cursor
			}
			_ = s.conn.CloseNow()
		case 2:
			called := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Start: start})
			for range 5 {
				if !called.Receive() {
					t.Fatal(called.Err())
				}
				got, start = append(got, called.Msg().GetEvent().GetId()), called.Msg().GetCursor()
			}
		case 3:
			s := w.socket("", adminKey, "Sec-WebSocket-Protocol", "postrider.v1.proto")
			s.nextProto()
			s.sendProto(&postriderv1.SocketRequest{Subscription: "s", Request: &postriderv1.SocketRequest_Subscribe{
				Subscribe: &postriderv1.SubscribeRequest{Start: start},
			}})
			s.nextProto()
			for range 5 {
				one := s.nextProto().GetMessage()
				got, start = append(got, one.GetEvent().GetId()), one.GetCursor()
			}
			_ = s.conn.CloseNow()
		}
	}
	if !slices.Equal(got, ids) {
		t.Errorf("got %v, want %v", got, ids)
	}
}

// Subscriptions of one connection have starts, filters and places of their own.
func TestSeveralSubscriptionsOnASocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders := w.publishMany("order.created", 3)
	s := w.readySocket(adminKey)
	s.subscribe("orders", `{"types":["order.*"],"start":"earliest"}`)
	s.expectEvents("orders", orders...)
	s.subscribe("big", `{"types":["order.*"],"expression":"event.data.n > 0","start":"earliest"}`)
	s.expectEvents("big", orders[1:]...)
	s.subscribe("named", `{"filters":[{"name":"pay","types":["payment.*"]},{"name":"all"}]}`)

	payment := w.publish("payment.made", `{}`).GetId()
	one, id := s.event("named")
	if id != payment || !slices.Equal(one.Message.Filters, []string{"pay", "all"}) {
		t.Errorf("got %s", one.raw)
	}
	s.send(`{"id":"9","subscription":"named","unsubscribe":{}}`)
	if got := s.next(); got.ID != "9" || got.Unsubscribed == nil || got.Unsubscribed.Cursor != one.Message.Cursor {
		t.Errorf("unsubscribed with %s", got.raw)
	}
	// The name is free again.
	s.subscribe("named", `{"types":["none"]}`)
	order := w.publish("order.created", `{"n":0}`).GetId()
	s.expectEvents("orders", order)

	if list := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{}); list.GetTotal() != 3 ||
		list.GetStreams()[0].GetTransport() != postriderv1.LiveStream_TRANSPORT_WEBSOCKET ||
		list.GetStreams()[0].GetSent() != 4 || list.GetStreams()[0].GetFilters()[0].GetTypes()[0] != "order.*" {
		t.Errorf("listed as %v", list)
	}
}

// New filters hold from the place that the answer tells: what was before is not shown again, what is after is not missed.
func TestASubscriptionIsUpdated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.readySocket(adminKey)
	s.subscribe("s", `{"types":["a"]}`)
	var want []string
	kind := "a"
	for round := range 20 {
		want = append(want, w.publish(kind, `{}`).GetId())
		last := s.expectEvents("s", want[len(want)-1])
		kind = string(rune('a' + (round+1)%3))
		s.send(`{"id":"%d","subscription":"s","update":{"types":[%q]}}`, round, kind)
		got := s.next()
		if got.ID != fmt.Sprint(round) || got.Subscription != "s" || got.Updated == nil || got.Updated.Cursor != last.Message.Cursor {
			t.Fatalf("updated with %s, want the cursor %s", got.raw, last.Message.Cursor)
		}
	}
	list := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{})
	if list.GetTotal() != 1 || list.GetStreams()[0].GetFilters()[0].GetTypes()[0] != kind {
		t.Errorf("listed as %v", list)
	}
	// An update that is refused changes nothing.
	for request, field := range map[string]string{
		`{"types":["not a type"]}`:                     "types[0]",
		`{"expression":"event.typ == 1"}`:              "expression",
		`{"types":["a"],"filters":[{"name":"twice"}]}`: "",
	} {
		s.send(`{"id":"bad","subscription":"s","update":%s}`, request)
		if got := s.next(); got.ID != "bad" || got.Error == nil || got.Error.Code != "invalid_argument" ||
			field != "" && got.Error.Violations[0].Field != field {
			t.Errorf("%s: %s", request, got.raw)
		}
	}
	s.expectEvents("s", w.publish(kind, `{}`).GetId())
	for _, request := range []string{"update", "unsubscribe"} {
		s.send(`{"id":"x","subscription":"other",%q:{}}`, request)
		if got := s.next(); got.ID != "x" || got.Error == nil || got.Error.Code != "not_found" {
			t.Errorf("%s of what is not open: %s", request, got.raw)
		}
	}
}

// Updates while events come lose none that all of the filters select.
func TestUpdatesUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.readySocket(adminKey)
	s.subscribe("s", `{}`)
	published := make(chan []string)
	go func() { published <- w.publishMany("order.created", 300) }()
	for round := range 100 {
		s.send(`{"id":"%d","subscription":"s","update":{"types":["order.*"],"expression":"%d == %d"}}`, round, round, round)
	}
	ids := <-published
	var got []string
	updates := 0
	for len(got) < len(ids) || updates < 100 {
		one := s.next()
		switch {
		case one.Updated != nil:
			updates++
		case one.Error != nil && one.Error.Reason == "OVERLOADED":
			updates++
		case one.Message != nil && one.Message.Event != nil:
			var event struct{ ID string }
			_ = json.Unmarshal(one.Message.Event, &event)
			got = append(got, event.ID)
		case one.Message == nil:
			t.Fatalf("got %s", one.raw)
		}
	}
	if !slices.Equal(got, ids) {
		t.Errorf("got %d events, want %d in order", len(got), len(ids))
	}
}

// Publishes are answered in their order, each for itself, and stored in it.
func TestASocketPublishes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tenant("acme")
	s := w.readySocket(adminKey)
	const n = 400
	for i := range n {
		data, tenant := fmt.Sprintf(`{"type":"order.created","id":"order-%d","data":{"n":9007199254740993}}`, i), "default"
		switch i % 100 {
		case 50:
			data = fmt.Sprintf(`{"type":"shop.v1.CustomerRegistered","id":"order-%d","data":{"email":7}}`, i)
		case 51:
			data = `{"type":"order.created","id":"order-0","data":{"n":1}}`
		case 52:
			data = `{"type":"order.created","id":"order-0","data":{"n":9007199254740993}}`
		case 53:
			data = fmt.Sprintf(`{"type":"not a type","id":"order-%d"}`, i)
		case 54:
			tenant = "nobody"
		case 55:
			tenant = "acme"
		}
		s.send(`{"id":"%d","publish":{"tenant":%q,"event":%s}}`, i, tenant, data)
	}
	cursor := ""
	for i := range n {
		got := s.next()
		if got.ID != fmt.Sprint(i) {
			t.Fatalf("answer %d is %s", i, got.raw)
		}
		switch i % 100 {
		case 50:
			if got.Error == nil || !strings.HasPrefix(got.Error.Violations[0].Field, "event.data") {
				t.Errorf("a payload that breaks its schema: %s", got.raw)
			}
		case 51:
			if got.Error == nil || got.Error.Code != "already_exists" || got.Error.Reason != "EVENT_ID_CONFLICT" {
				t.Errorf("an id with other content: %s", got.raw)
			}
		case 52:
			if got.Published == nil || !got.Published.Duplicate {
				t.Errorf("a repeat: %s", got.raw)
			}
		case 53:
			if got.Error == nil || got.Error.Violations[0].Field != "event.type" {
				t.Errorf("a type that is none: %s", got.raw)
			}
		case 54:
			if got.Error == nil || got.Error.Code != "not_found" {
				t.Errorf("a tenant that is none: %s", got.raw)
			}
		default:
			if got.Published == nil || got.Published.ID != fmt.Sprintf("order-%d", i) || got.Published.Cursor <= cursor {
				t.Fatalf("answer %d is %s after %s", i, got.raw, cursor)
			}
			cursor = got.Published.Cursor
		}
	}
	stored, err := w.admin().events.GetEvent(soon(t), eventRequest("order-399"))
	if err != nil || stored.Msg.GetEvent().GetJsonData() != `{"n":9007199254740993}` {
		t.Errorf("stored as %v, %v", stored, err)
	}
}

// In binary a typed event is published as its message.
func TestABinarySocketPublishes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.socket("", adminKey, "Sec-WebSocket-Protocol", "postrider.v1.proto,other")
	if ready := s.nextProto(); ready.GetReady() == nil {
		t.Fatalf("begins with %v", ready)
	}
	request := publishRequest("shop.v1.CustomerRegistered", customer).Msg
	s.sendProto(&postriderv1.SocketRequest{Id: "1", Request: &postriderv1.SocketRequest_Publish{Publish: request}})
	got := s.nextProto()
	if got.GetId() != "1" || got.GetPublished().GetId() == "" {
		t.Fatalf("answered with %s", protojson.Format(got))
	}
	s.sendProto(&postriderv1.SocketRequest{Id: "2", Request: &postriderv1.SocketRequest_Ping{Ping: &postriderv1.SocketPing{}}})
	if got := s.nextProto(); got.GetId() != "2" || got.GetPong() == nil {
		t.Errorf("a ping: %v", got)
	}
}

func eventRequest(id string) *connect.Request[postriderv1.GetEventRequest] {
	return connect.NewRequest(&postriderv1.GetEventRequest{Id: id})
}
