package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/signature"
)

// TestAttemptsShowWhatWasSentAndNotWhatIsSentToday changes URL, headers and secret between two attempts, and compares what is
// shown of each with what arrived.
func TestAttemptsShowWhatWasSentAndNotWhatIsSentToday(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := newEndpoint(t)
	hook.status.Store(http.StatusBadRequest)
	sub := webhook("billing", hook.URL+"/old?token=sesame")
	sub.Policy = &postriderv1.DeliveryPolicy{RetrySchedule: []*durationpb.Duration{durationpb.New(100e6)}}
	created := w.subscribe(sub)
	watch := w.watch(t, &postriderv1.WatchDeliveriesRequest{Subscription: "billing"})
	watch.snapshot(t)
	w.publish("order.created", oddNumbers)
	dead := watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DEAD)
	hook.status.Store(http.StatusOK)

	changed := webhook("billing", hook.URL+"/new")
	changed.Id, changed.Secret = created.GetId(), signature.NewSecret().Reveal()
	changed.Target.GetWebhook().Headers = map[string]string{"X-Other": "another-secret"}
	if _, err := w.admin().subscriptions.UpdateSubscription(t.Context(), connect.NewRequest(&postriderv1.UpdateSubscriptionRequest{Subscription: changed})); err != nil {
		t.Fatal(err)
	}
	if _, err := w.admin().deliveries.RetryDelivery(t.Context(), connect.NewRequest(&postriderv1.RetryDeliveryRequest{Id: dead.GetId()})); err != nil {
		t.Fatal(err)
	}
	watch.until(t, postriderv1.DeliveryState_DELIVERY_STATE_DELIVERED)

	got, err := w.admin().deliveries.GetDelivery(t.Context(), connect.NewRequest(&postriderv1.GetDeliveryRequest{Id: dead.GetId()}))
	if err != nil || len(got.Msg.GetAttempts()) != 3 {
		t.Fatalf("%v, %v: want three attempts", got, err)
	}
	urls := []string{hook.URL + "/old?token=sesame", hook.URL + "/old?token=sesame", hook.URL + "/new"}
	for i, attempt := range got.Msg.GetAttempts() {
		request, arrived := attempt.GetRequest(), hook.next(t)
		if request.GetUrl() != urls[i] || request.GetBodyBytes() != int64(len(arrived.body)) {
			t.Errorf("attempt %d: %v", i+1, request)
		}
		expectHeaders(t, request, arrived.header)
	}
	states := []postriderv1.AttemptBodyState{}
	for _, attempt := range got.Msg.GetAttempts() {
		states = append(states, attempt.GetRequest().GetBodyState())
	}
	const repeated, shown = postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_REPEATED, postriderv1.AttemptBodyState_ATTEMPT_BODY_STATE_SHOWN
	if states[0] != repeated || states[1] != repeated || states[2] != shown {
		t.Errorf("bodies are %v", states)
	}
	if text := got.Msg.String(); strings.Contains(text, "a-secret-token") || strings.Contains(text, "another-secret") {
		t.Errorf("a secret is shown: %s", text)
	}
}

// expectHeaders compares the headers that are shown with those that arrived, but for what net/http adds and what is hidden.
func expectHeaders(t *testing.T, request *postriderv1.AttemptRequest, arrived http.Header) {
	t.Helper()
	shown := map[string]string{}
	for _, header := range request.GetHeaders() {
		shown[header.GetName()] = header.GetValue()
	}
	arrived.Del("Content-Length")
	for name := range arrived {
		want := arrived.Get(name)
		if strings.HasPrefix(name, "X-") {
			want = "•••"
		}
		if shown[name] != want {
			t.Errorf("%s: %s is shown as %q, arrived as %q", request.GetUrl(), name, shown[name], want)
		}
	}
	if len(shown) != len(arrived) {
		t.Errorf("%s: shown %v, arrived %v", request.GetUrl(), shown, arrived)
	}
}
