package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var subscriptionCases = []testCase{
	{"a subscription reads back with all it holds", testSubscriptionRoundTrip},
	{"where a subscription starts", testSubscriptionStart},
	{"a name is unique per tenant", testSubscriptionName},
	{"by id and by name", testSubscriptionByRef},
	{"a list pages by name", testListSubscriptions},
	{"an update changes what it should and answers from where", testUpdateSubscription},
	{"an update of another revision is aborted", testUpdateRevision},
	{"an update that is refused changes nothing", testUpdateRefused},
}

func testSubscriptionRoundTrip(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	draft := w.draft("billing")
	draft.Description = "bills"
	draft.Policy = gateway.Policy{Concurrency: 7, RetrySchedule: []time.Duration{time.Second, time.Minute}}
	draft.Payload = gateway.PayloadJSONDefaults
	created := must(w.CreateSubscription(context.Background(), draft, gateway.Start{}))(t)
	if created.ID == 0 || created.UID == "" || created.Revision != 1 || created.CreateTime.IsZero() || created.State != gateway.SubscriptionActive {
		t.Errorf("created %+v", created)
	}
	w.restart()
	got := must(w.SubscriptionByRef(context.Background(), draft.Tenant, created.UID))(t)
	equal(t, "subscription", *got, *created)
	equal(t, "secret", got.Secret, draft.Secret)
	equal(t, "target", string(got.TargetConfig), string(draft.TargetConfig))
	equal(t, "policy", got.Policy, draft.Policy)
	equal(t, "payload format", got.Payload, draft.Payload)
	equal(t, "all", len(must(w.Subscriptions(context.Background()))(t)), 1)
}

func testSubscriptionStart(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(5)
	own := func(p gateway.Position) *gateway.Position { return &p }
	tests := []struct {
		name   string
		start  gateway.Start
		want   gateway.Position
		cursor *gateway.Position
	}{
		{"now", gateway.Start{}, 5, nil},
		{"earliest", gateway.Start{Kind: gateway.StartEarliest}, 0, own(0)},
		{"at a position", gateway.StartAfter(gateway.Cursor{Position: 3}), 3, own(3)},
		{"at the head", gateway.StartAfter(gateway.Cursor{Position: 5}), 5, nil},
		{"beyond the head", gateway.StartAfter(gateway.Cursor{Position: 50}), 5, nil},
	}
	for i, test := range tests {
		sub := w.subscribe(fmt.Sprint("s", i), test.start)
		equal(t, test.name+": start", sub.Start, w.Cursor(test.want))
		equal(t, test.name+": place", sub.Place(w.mark()), test.want)
		if (sub.Cursor == nil) != (test.cursor == nil) || sub.Cursor != nil && *sub.Cursor != *test.cursor {
			t.Errorf("%s: cursor %v, want %v", test.name, sub.Cursor, test.cursor)
		}
	}
}

func testSubscriptionName(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.subscribe("billing", gateway.Start{})
	_, err := w.CreateSubscription(context.Background(), w.draft("billing"), gateway.Start{})
	failsWith(t, err, gateway.CodeAlreadyExists, gateway.ReasonNameTaken)
	other := w.draft("billing")
	other.Tenant = must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t).ID
	must(w.CreateSubscription(context.Background(), other, gateway.Start{}))(t)
	second := w.subscribe("second", gateway.Start{})
	_, _, err = w.UpdateSubscription(context.Background(), second.ID, 0, func(s *gateway.Subscription) error {
		s.Name = "billing"
		return nil
	})
	failsWith(t, err, gateway.CodeAlreadyExists, gateway.ReasonNameTaken)
	equal(t, "name", must(w.SubscriptionByRef(context.Background(), second.Tenant, second.UID))(t).Name, "second")
}

func testSubscriptionByRef(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	a := w.subscribe("a", gateway.Start{})
	mimic := w.subscribe(a.UID, gateway.Start{})
	for ref, want := range map[string]gateway.SubscriptionID{"a": a.ID, a.UID: a.ID, mimic.UID: mimic.ID} {
		equal(t, ref, must(w.SubscriptionByRef(context.Background(), a.Tenant, ref))(t).ID, want)
	}
	_, err := w.SubscriptionByRef(context.Background(), a.Tenant, "none")
	notFound(t, err)
	_, err = w.SubscriptionByRef(context.Background(), a.Tenant+1, a.UID)
	notFound(t, err)
}

func testListSubscriptions(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprint("s", i))
	}
	for _, name := range slices.Backward(want) {
		w.subscribe(name, gateway.Start{})
	}
	var got []string
	for after := ""; ; {
		page := must(w.ListSubscriptions(context.Background(), w.tenantID(), after, 3))(t)
		for _, sub := range page {
			got = append(got, sub.Name)
			after = sub.Name
		}
		if len(page) < 3 {
			break
		}
	}
	equal(t, "names", got, want)
	equal(t, "another tenant's", len(must(w.ListSubscriptions(context.Background(), w.tenantID()+1, "", 3))(t)), 0)
}

func testUpdateSubscription(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(2)
	sub := w.subscribe("a", gateway.Start{Kind: gateway.StartEarliest})
	place := gateway.Position(1)
	w.record(store.Result{Subscription: sub.ID, Cursor: &place})
	w.publishMany(2)
	updated, from, err := w.UpdateSubscription(context.Background(), sub.ID, sub.Revision, func(s *gateway.Subscription) error {
		s.Name, s.Filter, s.Secret = "b", gateway.Filter{Expression: `event.type != "x"`}, "whsec_bmV3"
		s.State, s.StateReason = gateway.SubscriptionPaused, "by hand"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "from", from, 4)
	equal(t, "revision", updated.Revision, 2)
	got := must(w.SubscriptionByRef(context.Background(), sub.Tenant, "b"))(t)
	equal(t, "subscription", fmt.Sprintf("%s %v %s %v %s %d", got.Name, got.Filter, got.Secret, got.State, got.StateReason, *got.Cursor),
		fmt.Sprintf(`b {[] event.type != "x"} whsec_bmV3 %v by hand 1`, gateway.SubscriptionPaused))
	equal(t, "start", got.Start, sub.Start)
	equal(t, "created", got.CreateTime, sub.CreateTime)
	_, _, err = w.UpdateSubscription(context.Background(), 999, 0, func(*gateway.Subscription) error { return nil })
	notFound(t, err)
}

func testUpdateRevision(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub := w.subscribe("a", gateway.Start{})
	rename := func(to string) func(*gateway.Subscription) error {
		return func(s *gateway.Subscription) error {
			s.Name = to
			return nil
		}
	}
	if _, _, err := w.UpdateSubscription(context.Background(), sub.ID, 0, rename("b")); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.UpdateSubscription(context.Background(), sub.ID, 1, rename("c"))
	failsWith(t, err, gateway.CodeAborted, gateway.ReasonRevisionMismatch)
	failsWith(t, w.DeleteSubscription(context.Background(), sub.ID, 1), gateway.CodeAborted, gateway.ReasonRevisionMismatch)
	if _, _, err := w.UpdateSubscription(context.Background(), sub.ID, 2, rename("c")); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteSubscription(context.Background(), sub.ID, 3); err != nil {
		t.Fatal(err)
	}
}

func testUpdateRefused(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub := w.subscribe("a", gateway.Start{})
	refusal := errors.New("no")
	_, _, err := w.UpdateSubscription(context.Background(), sub.ID, 0, func(s *gateway.Subscription) error {
		s.Name = "b"
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Fatalf("error = %v", err)
	}
	got := must(w.SubscriptionByRef(context.Background(), sub.Tenant, sub.UID))(t)
	equal(t, "name and revision", fmt.Sprint(got.Name, got.Revision), "a1")
}
