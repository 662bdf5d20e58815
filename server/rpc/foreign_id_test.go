package rpc_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
)

// What belongs to another tenant and what does not exist are refused with the same words, in every method that takes an id.
func TestAForeignIDIsRefusedAsAMissingOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	sub := w.subscribe(webhook("billing", hook.URL))
	event := w.publish("order.created", `{}`)
	hook.next(t)
	watch := w.watch(t, &postriderv1.WatchDeliveriesRequest{EventId: event.GetId()})
	delivery := watch.snapshot(t)
	if len(delivery) == 0 {
		delivery = append(delivery, watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED))
	}
	w.listen(http.DefaultClient, adminKey, "").expect("begin")
	stream := w.admin().listStreams(t, &postriderv1.ListStreamsRequest{}).GetStreams()[0].GetId()
	_, foreignKey := w.key("foreign", "", consume)
	w.tenant("other")
	caller, _ := w.key("caller", "other", admin)

	missing := func(id string) string {
		last := id[len(id)-1]
		if last == '0' {
			return id[:len(id)-1] + "1"
		}
		return id[:len(id)-1] + "0"
	}
	for _, tt := range []struct{ method, id, body string }{
		{"EventService/GetEvent", event.GetId(), `{"id":%q}`},
		{"SubscriptionService/GetSubscription", sub.GetId(), `{"id":%q}`},
		{"SubscriptionService/GetSubscription", "billing", `{"id":%q}`},
		{"SubscriptionService/UpdateSubscription", sub.GetId(), `{"subscription":{"id":%q,"description":"x"}}`},
		{"SubscriptionService/DeleteSubscription", sub.GetId(), `{"id":%q}`},
		{"SubscriptionService/PauseSubscription", sub.GetId(), `{"id":%q}`},
		{"SubscriptionService/ResumeSubscription", sub.GetId(), `{"id":%q}`},
		{"SubscriptionService/TestSubscription", sub.GetId(), `{"id":%q}`},
		{"SubscriptionService/RevealSubscriptionSecret", sub.GetId(), `{"id":%q}`},
		{"DeliveryService/GetDelivery", delivery[0].GetId(), `{"id":%q}`},
		{"DeliveryService/RetryDelivery", delivery[0].GetId(), `{"id":%q}`},
		{"DeliveryService/ListDeliveries", sub.GetId(), `{"subscription":%q}`},
		{"DeliveryService/ListDeliveries", event.GetId(), `{"eventId":%q}`},
		{"ApiKeyService/RevokeApiKey", foreignKey, `{"id":%q}`},
		{"StreamService/DisconnectStream", stream, `{"id":%q}`},
		{"StreamService/RenewStream", stream, `{"id":%q}`},
		{"EventService/GetEvent", "default", `{"id":"x","tenant":%q}`},
		{"TenantService/UpdateTenant", "default", `{"tenant":{"name":%q,"displayName":"x"}}`},
		{"ApiKeyService/CreateApiKey", "default", `{"apiKey":{"name":"n","tenant":%q,"scopes":["API_KEY_SCOPE_CONSUME"]}}`},
	} {
		ask := func(id string) string {
			got := w.post("/postrider.v1."+tt.method, caller, fmt.Sprintf(tt.body, id))
			if got.status == http.StatusOK && tt.method != "DeliveryService/ListDeliveries" {
				t.Errorf("%s of %s is answered: %s", tt.method, id, got.body)
			}
			return fmt.Sprint(got.status, " ", strings.ReplaceAll(withoutDetails(got.body), id, "ID"))
		}
		if foreign, none := ask(tt.id), ask(missing(tt.id)); foreign != none {
			t.Errorf("%s\nforeign: %s\nmissing: %s", tt.method, foreign, none)
		}
	}
}

// withoutDetails cuts off details, whose binary form holds the id.
func withoutDetails(body string) string {
	before, _, _ := strings.Cut(body, `,"details"`)
	return before
}
