package storetest

import (
	"context"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var removalCases = []testCase{
	{"a deleted subscription is gone with its deliveries", testDeleteSubscription},
	{"results that come after it bring nothing back", testResultsAfterDelete},
	{"a delete goes to its end when the caller goes away", testDeleteAbandoned},
}

func (w *world) deliveriesOf(sub *gateway.Subscription) int {
	w.t.Helper()
	rows, _, err := w.ListDeliveries(context.Background(), store.DeliveryQuery{Tenant: sub.Tenant, Subscription: sub.ID, Limit: 100_000})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(rows)
}

func (w *world) withDeliveries(name string, n int) *gateway.Subscription {
	w.t.Helper()
	sub := w.subscribe(name, gateway.Start{})
	results := make([]store.Result, n)
	for i := range results {
		results[i] = store.Result{Delivery: delivered(sub, gateway.Position(i+1)), Previous: attempt(1, gateway.OutcomeEventFailure)}
	}
	w.record(results...)
	return sub
}

func testDeleteSubscription(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub, other := w.withDeliveries("a", 6_000), w.withDeliveries("b", 10)
	if err := w.DeleteSubscription(context.Background(), sub.ID, 0); err != nil {
		t.Fatal(err)
	}
	_, err := w.SubscriptionByRef(context.Background(), sub.Tenant, sub.UID)
	notFound(t, err)
	equal(t, "deliveries left", w.deliveriesOf(sub), 0)
	equal(t, "attempts left", len(attemptNumbers(w, &gateway.Delivery{DeliveryKey: delivered(sub, 1).DeliveryKey})), 0)
	equal(t, "deliveries of the other", w.deliveriesOf(other), 10)
	equal(t, "attempts of the other", attemptNumbers(w, delivered(other, 1)), []int{1, 1})
	notFound(t, w.DeleteSubscription(context.Background(), sub.ID, 0))
	again := w.subscribe("a", gateway.Start{})
	if again.ID == sub.ID {
		t.Error("the number of a deleted subscription was given again")
	}
}

func testResultsAfterDelete(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub := w.withDeliveries("a", 10)
	if err := w.DeleteSubscription(context.Background(), sub.ID, 0); err != nil {
		t.Fatal(err)
	}
	place := gateway.Position(20)
	w.record(
		store.Result{Delivery: delivered(sub, 20), Previous: attempt(1, gateway.OutcomeEventFailure)},
		store.Result{Subscription: sub.ID, Cursor: &place},
	)
	equal(t, "deliveries", w.deliveriesOf(sub), 0)
}

func testDeleteAbandoned(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub := w.withDeliveries("a", 6_000)
	ctx, cancel := context.WithCancel(context.Background())
	held, goOn := make(chan struct{}), make(chan struct{})
	// The writer is held before the deletion, which is queued and then begun while the caller goes away.
	w.Record(store.Result{Committed: func() { close(held); <-goOn }})
	<-held
	ended := make(chan error, 1)
	waiting := &watchedContext{Context: ctx, waiting: make(chan struct{})}
	go func() { ended <- w.DeleteSubscription(waiting, sub.ID, 0) }()
	<-waiting.waiting
	close(goOn)
	// The first result may come along in the deletion's own group, before it; the second finds the writer past its first step.
	w.record(store.Result{})
	w.record(store.Result{})
	cancel()
	if err := <-ended; err != nil {
		t.Fatalf("delete: %v", err)
	}
	equal(t, "deliveries left", w.deliveriesOf(sub), 0)
}
