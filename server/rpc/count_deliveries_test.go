package rpc_test

import (
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

func TestDeliveriesOfEventsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	w.subscribe(webhook("billing", hook.URL))
	w.subscribe(webhook("shipping", hook.URL))
	watch := w.watch(t, &postriderv1.WatchDeliveriesRequest{})
	watch.snapshot(t)
	event := w.publish("order.created", `{}`)
	watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED)
	watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED)

	count := func(caller clients, ids ...string) []*postriderv1.EventDeliveries {
		counted, err := caller.deliveries.CountDeliveries(t.Context(), connect.NewRequest(&postriderv1.CountDeliveriesRequest{EventIds: ids}))
		if err != nil {
			t.Fatal(err)
		}
		return counted.Msg.GetEvents()
	}
	got := count(w.admin(), "never-was", event.GetId())
	if len(got) != 1 || got[0].GetEventId() != event.GetId() || got[0].GetDelivered() != 2 ||
		got[0].GetDead()+got[0].GetPending()+got[0].GetRetrying() != 0 || got[0].GetMore() {
		t.Errorf("counted %v", got)
	}
	w.tenant("acme")
	theirs, _ := w.key("theirs", "acme", consume)
	if got := count(w.as(theirs), event.GetId()); len(got) != 0 {
		t.Errorf("counted for another tenant: %v", got)
	}
	many := fmt.Sprintf(`{"eventIds":["e%s"]}`, strings.Repeat(`","e`, 50))
	for _, body := range []string{`{}`, many, `{"eventIds":["a b"]}`} {
		got := w.post("/postrider.v1.DeliveryService/CountDeliveries", adminKey, body).error(t)
		if got.Code != "invalid_argument" || !strings.Contains(got.Message, "event_ids") {
			t.Errorf("%.20s: %s %s", body, got.Code, got.Message)
		}
	}
}
