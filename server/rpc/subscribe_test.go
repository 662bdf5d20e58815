package rpc_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

type subscribed = connect.ServerStreamForClient[postriderv1.SubscribeResponse]

func subscribe(t *testing.T, c clients, request *postriderv1.SubscribeRequest) *subscribed {
	t.Helper()
	stream, err := c.events.Subscribe(soon(t), connect.NewRequest(request))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	if !stream.Receive() || stream.Msg().GetBegin() == nil {
		t.Fatalf("the first message is %v (%v), want begin", stream.Msg(), stream.Err())
	}
	return stream
}

// nextEvent skips heartbeats.
func nextEvent(t *testing.T, stream *subscribed) *postriderv1.Event {
	t.Helper()
	for stream.Receive() {
		if event := stream.Msg().GetEvent(); event != nil {
			return event
		}
	}
	t.Fatalf("the stream ended: %v", stream.Err())
	return nil
}

func TestSubscribeLiveAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.publish("order.created", `{"n":0}`)
	live := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Types: []string{"order.*"}})
	w.publish("payment.made", `{}`)
	var ids []string
	for n := range 5 {
		ids = append(ids, w.publish("order.created", fmt.Sprintf(`{"n":%d}`, n+1)).GetId())
	}
	cursor := ""
	for i := range 2 {
		event := nextEvent(t, live)
		if event.GetId() != ids[i] {
			t.Fatalf("event %d is %s, want %s", i, event.GetId(), ids[i])
		}
		cursor = live.Msg().GetCursor()
	}
	resumed := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Types: []string{"order.*"}, Start: cursor})
	for _, id := range ids[2:] {
		if event := nextEvent(t, resumed); event.GetId() != id {
			t.Fatalf("after resuming: %s, want %s", event.GetId(), id)
		}
	}
	all := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Start: "earliest"})
	if event := nextEvent(t, all); event.GetId() != before.GetId() {
		t.Errorf("the earliest is %s, want %s", event.GetId(), before.GetId())
	}
	byTime := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Start: "2020-01-01T00:00:00Z"})
	if event := nextEvent(t, byTime); event.GetId() != before.GetId() {
		t.Errorf("from a time long ago the first is %s, want %s", event.GetId(), before.GetId())
	}
}

// The beginning of the year 1, which clients send for "any time", is Go's zero time; it must not count as none.
func TestTheYearOneIsATimeLikeAnyOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.publish("order.created", `{}`)
	stream := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{
		Start: "0001-01-01T00:00:00Z", HeartbeatInterval: durationpb.New(100 * time.Millisecond),
	})
	if stream.Receive(); stream.Msg().GetEvent().GetId() != first.GetId() {
		t.Errorf("a stream from the year 1 has %v after its begin, want event %s", stream.Msg(), first.GetId())
	}
	year1 := timestamppb.New(time.Time{})
	for name, tt := range map[string]struct {
		request *postriderv1.ListEventsRequest
		want    int
	}{
		"since": {&postriderv1.ListEventsRequest{FromTime: year1}, 1},
		"until": {&postriderv1.ListEventsRequest{ToTime: year1}, 0},
	} {
		list, err := w.admin().events.ListEvents(t.Context(), connect.NewRequest(tt.request))
		if err != nil || len(list.Msg.GetEvents()) != tt.want {
			t.Errorf("events %s the year 1: %v, %v; want %d", name, list, err, tt.want)
		}
	}
}

func TestListThenSubscribeMissesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("order.created", `{}`)
	list, err := w.admin().events.ListEvents(t.Context(), connect.NewRequest(&postriderv1.ListEventsRequest{}))
	if err != nil || len(list.Msg.GetEvents()) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	next := w.publish("order.created", `{}`)
	stream := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Start: list.Msg.GetCursor()})
	if event := nextEvent(t, stream); event.GetId() != next.GetId() {
		t.Errorf("the first event is %s, want %s", event.GetId(), next.GetId())
	}
}

// Heartbeats carry the place reached, so that a quiet filtered stream does not go stale.
func TestHeartbeatsAdvance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stream := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{
		Types: []string{"never"}, HeartbeatInterval: durationpb.New(100 * time.Millisecond),
	})
	begin := stream.Msg().GetCursor()
	last := w.publish("order.created", `{}`)
	for stream.Receive() {
		if stream.Msg().GetHeartbeat() == nil {
			t.Fatalf("got %v, want a heartbeat", stream.Msg())
		}
		if cursor := stream.Msg().GetCursor(); cursor == last.GetCursor() {
			return
		} else if cursor != begin {
			t.Fatalf("heartbeat at %s, want %s or %s", cursor, begin, last.GetCursor())
		}
	}
	t.Fatalf("the stream ended: %v", stream.Err())
}

func TestAnIncompleteStartIsTold(t *testing.T) {
	t.Parallel()
	elsewhere := newWorld(t).publish("order.created", `{}`).GetCursor()
	w := newWorld(t)
	stream := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{Start: elsewhere})
	if gap := stream.Msg().GetBegin().GetGap(); gap.GetReason() != postriderv1.GapReason_GAP_REASON_LOG_REPLACED {
		t.Errorf("gap %v, want log replaced", gap)
	}
}

func TestStreamsEndWhenTheirKeyIsRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, id := w.key("reader", "", consume)
	stream := subscribe(t, w.as(key), &postriderv1.SubscribeRequest{})
	watch, err := w.as(key).deliveries.WatchDeliveries(soon(t), connect.NewRequest(&postriderv1.WatchDeliveriesRequest{}))
	if err != nil || !watch.Receive() {
		t.Fatalf("%v, %v", err, watch.Err())
	}
	defer func() { _ = watch.Close() }()
	other := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{})
	revoked := time.Now()
	if _, err := w.admin().keys.RevokeApiKey(t.Context(), connect.NewRequest(&postriderv1.RevokeApiKeyRequest{Id: id})); err != nil {
		t.Fatal(err)
	}
	if stream.Receive() || codeOf(stream.Err()) != "unauthenticated" {
		t.Errorf("the stream ends with %v, want unauthenticated", stream.Err())
	}
	if watch.Receive() || codeOf(watch.Err()) != "unauthenticated" {
		t.Errorf("the watch ends with %v, want unauthenticated", watch.Err())
	}
	if took := time.Since(revoked); took > endsWithin {
		t.Errorf("it took %v", took)
	}
	published := w.publish("order.created", `{}`)
	if event := nextEvent(t, other); event.GetId() != published.GetId() {
		t.Errorf("the other stream got %s", event.GetId())
	}
}

func TestStreamsEndWithUnavailableWhenTheServerStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	overH1 := subscribe(t, w.admin(), &postriderv1.SubscribeRequest{})
	overGRPC := subscribe(t, w.over(overH2C(), connect.WithGRPC()), &postriderv1.SubscribeRequest{})
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	for name, stream := range map[string]*subscribed{"Connect": overH1, "gRPC": overGRPC} {
		for stream.Receive() {
		}
		// One that is cut off is unavailable as well, without a reason.
		if codeOf(stream.Err()) != "unavailable" || !strings.Contains(stream.Err().Error(), "the server is stopping") {
			t.Errorf("over %s the stream ends with %v, want unavailable and why", name, stream.Err())
		}
	}
}
