package clienttest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"connectrpc.com/connect"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"

	"github.com/postrider-dev/postrider/client"
)

func subscriptionTo(name, url string) *postriderv1.Subscription {
	return &postriderv1.Subscription{
		Name: name, Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{Webhook: &targetv1.Webhook{Url: url}}},
	}
}

func TestASubscriptionIsManaged(t *testing.T) {
	t.Parallel()
	received := make(chan string, 1)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r.Header.Get("webhook-id") }))
	t.Cleanup(endpoint.Close)
	subscriptions := client.New(newServer(t, loopback), client.WithKey(adminKey)).Subscriptions()
	ctx := soon(t)
	created, err := subscriptions.Create(ctx, subscriptionTo("billing", endpoint.URL))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := subscriptions.Create(ctx, subscriptionTo("billing", endpoint.URL)); connect.CodeOf(err) != connect.CodeAlreadyExists {
		t.Errorf("a second one of the same name: %v", err)
	}
	attempt, err := subscriptions.Test(ctx, "billing")
	if err != nil || attempt.GetOutcome() != postriderv1.AttemptOutcome_ATTEMPT_OUTCOME_DELIVERED {
		t.Errorf("tested: %v, %v", attempt, err)
	}
	if id := <-received; id == "" {
		t.Error("the test event has no id")
	}
	if secret, err := subscriptions.RevealSecret(ctx, "billing"); err != nil || len(secret) < len("whsec_") {
		t.Errorf("no secret: %v", err)
	}
	created.Description = "for the books"
	changed, err := subscriptions.Update(ctx, created, "description")
	if err != nil || changed.GetDescription() != "for the books" {
		t.Errorf("updated: %v, %v", changed, err)
	}
	if _, err := subscriptions.Update(ctx, created, "description"); connect.CodeOf(err) != connect.CodeAborted {
		t.Errorf("updated from an old revision: %v", err)
	}
	if paused, err := subscriptions.Pause(ctx, "billing"); err != nil || paused.GetState() != postriderv1.SubscriptionState_SUBSCRIPTION_STATE_PAUSED {
		t.Errorf("paused: %v, %v", paused, err)
	}
	if resumed, err := subscriptions.Resume(ctx, "billing"); err != nil || resumed.GetState() != postriderv1.SubscriptionState_SUBSCRIPTION_STATE_ACTIVE {
		t.Errorf("resumed: %v, %v", resumed, err)
	}
	if err := subscriptions.Delete(ctx, created.GetId()); err != nil {
		t.Error(err)
	}
	if _, err := subscriptions.Get(ctx, "billing"); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("after it was deleted: %v", err)
	}
}

func TestAListOfSubscriptionsGoesOverPages(t *testing.T) {
	t.Parallel()
	subscriptions := client.New(newServer(t, loopback), client.WithKey(adminKey)).Subscriptions()
	ctx := soon(t)
	var want, got []string
	for i := range 51 { // more than a page
		want = append(want, fmt.Sprintf("subscription-%02d", i))
		if _, err := subscriptions.Create(ctx, subscriptionTo(want[i], "http://127.0.0.1:1")); err != nil {
			t.Fatal(err)
		}
	}
	for subscription, err := range subscriptions.List(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, subscription.GetName())
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v", got)
	}
	for _, err := range client.New("localhost:8080").Subscriptions().List(ctx) {
		expectMistake(t, err)
	}
}
