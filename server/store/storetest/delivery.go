package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var deliveryCases = []testCase{
	{"open deliveries come in the order of their due times", testOpenDeliveries},
	{"which subscriptions have open deliveries", testOpenSubscriptions},
	{"settled positions", testSettledAbove},
	{"a list pages through all, newest first", testListDeliveries},
	{"retrying and dead are counted", testCountDeliveries},
	{"the deliveries of events are counted by state", testEventDeliveries},
	{"a test's attempt is kept apart", testTestAttempt},
	{"of many tests the last ones are kept", testManyTestAttempts},
}

func (w *world) inState(sub *gateway.Subscription, p gateway.Position, state gateway.DeliveryState) *gateway.Delivery {
	d := delivered(sub, p)
	d.State = state
	return d
}

func positionsOf(deliveries []*gateway.Delivery) (positions []gateway.Position) {
	for _, d := range deliveries {
		positions = append(positions, d.Position)
	}
	return positions
}

func testOpenDeliveries(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub, other := w.subscribe("a", gateway.Start{}), w.subscribe("b", gateway.Start{})
	w.recordDeliveries(
		retrying(sub, 1, base.Add(3*time.Second)), retrying(sub, 2, base.Add(1*time.Second)),
		retrying(sub, 3, time.Time{}), retrying(sub, 4, base.Add(2*time.Second)), retrying(sub, 5, base.Add(time.Second)),
		delivered(sub, 6), w.inState(sub, 7, gateway.DeliveryDead), w.inState(sub, 8, gateway.DeliveryParked),
		w.inState(sub, 9, gateway.DeliveryPending), retrying(other, 10, base),
	)
	tests := []struct {
		by    time.Duration
		limit int
		want  []gateway.Position
	}{
		{0, 10, []gateway.Position{3, 9}},
		{time.Second, 10, []gateway.Position{3, 9, 2, 5}},
		{time.Second - time.Microsecond, 10, []gateway.Position{3, 9}},
		{time.Hour, 10, []gateway.Position{3, 9, 2, 5, 4, 1}},
		{time.Hour, 3, []gateway.Position{3, 9, 2}},
		{time.Hour, 2, []gateway.Position{3, 9}},
		{time.Hour, 1, []gateway.Position{3}},
	}
	for _, test := range tests {
		got := must(w.OpenDeliveries(context.Background(), sub.ID, base.Add(test.by), test.limit))(t)
		equal(t, fmt.Sprintf("due by %v, %d", test.by, test.limit), positionsOf(got), test.want)
	}
}

func testOpenSubscriptions(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	timed, held, settled := w.subscribe("a", gateway.Start{}), w.subscribe("b", gateway.Start{}), w.subscribe("c", gateway.Start{})
	w.recordDeliveries(
		retrying(timed, 1, base.Add(time.Hour)), retrying(timed, 2, base), delivered(timed, 3),
		retrying(held, 1, base), retrying(held, 2, time.Time{}),
		delivered(settled, 1), w.inState(settled, 2, gateway.DeliveryDead),
	)
	got := must(w.OpenSubscriptions(context.Background()))(t)
	equal(t, "open", got, map[gateway.SubscriptionID]time.Time{timed.ID: base, held.ID: {}})
}

func testSettledAbove(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub, other := w.subscribe("a", gateway.Start{}), w.subscribe("b", gateway.Start{})
	replayed := delivered(sub, 6)
	replayed.Run = 1
	w.recordDeliveries(delivered(sub, 2), retrying(sub, 4, base), w.inState(sub, 5, gateway.DeliveryPending), delivered(sub, 9),
		replayed, delivered(other, 7))
	equal(t, "settled", must(w.SettledAbove(context.Background(), sub.ID, 2, 8))(t), []gateway.Position{4, 5})
	equal(t, "settled", must(w.SettledAbove(context.Background(), sub.ID, 9, 100))(t), nil)
}

func testListDeliveries(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(20)
	acme := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t)
	subs := []*gateway.Subscription{w.subscribe("a", gateway.Start{}), w.subscribe("b", gateway.Start{})}
	draft := w.draft("c")
	draft.Tenant = acme.ID
	subs = append(subs, must(w.CreateSubscription(context.Background(), draft, gateway.Start{}))(t))
	states := []gateway.DeliveryState{gateway.DeliveryDelivered, gateway.DeliveryDead, gateway.DeliveryRetrying, gateway.DeliveryPending}
	var all []*gateway.Delivery
	for i, sub := range subs {
		for p := range gateway.Position(20) {
			d := w.inState(sub, p+1, states[(int(p)+i)%len(states)])
			if p%5 == 0 {
				d.Run = 2
			}
			all = append(all, d)
		}
	}
	w.recordDeliveries(all...)
	slices.SortFunc(all, newestDeliveryFirst)
	queries := []store.DeliveryQuery{
		{Tenant: subs[0].Tenant},
		{Tenant: acme.ID},
		{Tenant: subs[0].Tenant, Subscription: subs[1].ID},
		{Tenant: acme.ID, Subscription: subs[1].ID},
		{Tenant: subs[0].Tenant, Position: 7},
		{Tenant: subs[0].Tenant, States: states[1:3]},
		{Tenant: subs[0].Tenant, States: states[:2]},
		{Tenant: subs[0].Tenant, Subscription: subs[0].ID, States: states[1:2]},
		{Tenant: subs[0].Tenant, Subscription: subs[0].ID, States: states[:1], Position: 1},
		{Tenant: subs[0].Tenant, Types: []string{"payment.*", "order.*"}},
		{Tenant: subs[0].Tenant, Types: []string{"payment.*"}},
	}
	for _, q := range queries {
		want := selectedDeliveries(all, q)
		for _, limit := range []int{1, 3, 7, 20, 1000} {
			q.Limit = limit
			got := w.listedDeliveries(t, q, (len(want)+limit-1)/limit)
			equal(t, fmt.Sprintf("%+v", q), got, want)
		}
	}
}

func newestDeliveryFirst(a, b *gateway.Delivery) int {
	if a.Position != b.Position {
		return int(b.Position - a.Position)
	}
	if a.Subscription != b.Subscription {
		return int(b.Subscription - a.Subscription)
	}
	return int(b.Run - a.Run)
}

func selectedDeliveries(all []*gateway.Delivery, q store.DeliveryQuery) (ids []string) {
	for _, d := range all {
		if d.Tenant == q.Tenant && (q.Subscription == 0 || d.Subscription == q.Subscription) &&
			(q.Position == 0 || d.Position == q.Position) && (len(q.States) == 0 || slices.Contains(q.States, d.State)) &&
			(gateway.Filter{Types: q.Types}).Match("order.created") {
			ids = append(ids, d.ID())
		}
	}
	return ids
}

// listedDeliveries pages through, in at most that number of pages: there is no empty one at the end.
func (w *world) listedDeliveries(t *testing.T, q store.DeliveryQuery, pages int) (ids []string) {
	t.Helper()
	for page := 0; ; page++ {
		deliveries, next, err := w.ListDeliveries(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range deliveries {
			ids = append(ids, d.ID())
			if d.EventID == "" || d.EventType != "order.created" {
				t.Errorf("%s has event %q of type %q", d.ID(), d.EventID, d.EventType)
			}
		}
		if next == nil {
			return ids
		}
		if page+1 >= pages {
			t.Fatalf("%+v: more than %d pages", q, pages)
		}
		q.Before = next
	}
}

func testCountDeliveries(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub, other := w.subscribe("a", gateway.Start{}), w.subscribe("b", gateway.Start{})
	w.recordDeliveries(retrying(sub, 1, base), retrying(sub, 2, time.Time{}), w.inState(sub, 3, gateway.DeliveryDead),
		w.inState(sub, 4, gateway.DeliveryPending), delivered(sub, 5), w.inState(other, 6, gateway.DeliveryDead))
	idle := w.subscribe("c", gateway.Start{})
	counts, err := w.DeliveryCounts(context.Background(), []gateway.SubscriptionID{sub.ID, other.ID, idle.ID})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "counts", counts, map[gateway.SubscriptionID]store.DeliveryCount{
		sub.ID: {Retrying: 2, Dead: 1}, other.ID: {Dead: 1},
	})
}

func testEventDeliveries(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(4)
	sub, other := w.subscribe("a", gateway.Start{}), w.subscribe("b", gateway.Start{})
	replayed := w.inState(sub, 1, gateway.DeliveryDead)
	replayed.Run = 1
	rows := []*gateway.Delivery{
		delivered(sub, 1), replayed, retrying(other, 1, base), w.inState(other, 2, gateway.DeliveryPending),
	}
	for n := range store.MaxCountedDeliveries + 1 {
		d := delivered(sub, 4)
		d.Run = gateway.Run(n)
		rows = append(rows, d)
	}
	w.recordDeliveries(rows...)
	ids := make([]string, 5)
	for p := range gateway.Position(4) {
		events := must(w.EventsAt(context.Background(), []gateway.Position{p + 1}))(t)
		ids[p] = events[p+1].ID
	}
	ids[4] = "never-was"
	slices.Reverse(ids)
	full := map[gateway.DeliveryState]int{gateway.DeliveryDelivered: store.MaxCountedDeliveries + 1}
	want := []store.EventDeliveries{
		{EventID: ids[1], ByState: full, More: true},
		{EventID: ids[2], ByState: map[gateway.DeliveryState]int{}},
		{EventID: ids[3], ByState: map[gateway.DeliveryState]int{gateway.DeliveryPending: 1}},
		{EventID: ids[4], ByState: map[gateway.DeliveryState]int{
			gateway.DeliveryDelivered: 1, gateway.DeliveryDead: 1, gateway.DeliveryRetrying: 1,
		}},
	}
	counts := must(w.EventDeliveries(context.Background(), sub.Tenant, append(ids, ids...)))(t)
	equal(t, "counts", fmt.Sprint(counts), fmt.Sprint(want))
	acme := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t)
	equal(t, "counts for another tenant", must(w.EventDeliveries(context.Background(), acme.ID, ids))(t), nil)
}

func testTestAttempt(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub := w.subscribe("a", gateway.Start{})
	for n := range 2 {
		a := attempt(1, gateway.OutcomeDelivered)
		a.Cause, a.Start = gateway.CauseTest, base.Add(time.Duration(n)*time.Second)
		if err := w.RecordTestAttempt(context.Background(), sub, *a); err != nil {
			t.Fatal(err)
		}
	}
	deliveries, _, err := w.ListDeliveries(context.Background(), store.DeliveryQuery{Tenant: sub.Tenant, Limit: 10})
	if err != nil || len(deliveries) > 0 {
		t.Errorf("%d deliveries, %v: a test makes none", len(deliveries), err)
	}
	equal(t, "head", w.Head(), 0)
}

// Rows of tests were kept for ever, so that a caller who tests in a loop filled the disk.
func testManyTestAttempts(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub, other := w.subscribe("a", gateway.Start{}), w.subscribe("b", gateway.Start{})
	const many = 2*store.MaxTestAttempts + 3
	start := func(n int) time.Time { return base.Add(time.Duration(n) * time.Second) }
	test := func(sub *gateway.Subscription, at time.Time) {
		a := attempt(1, gateway.OutcomeDelivered)
		a.Cause, a.Start = gateway.CauseTest, at
		if err := w.RecordTestAttempt(context.Background(), sub, *a); err != nil {
			t.Fatal(err)
		}
	}
	kept := func(sub *gateway.Subscription, at time.Time) bool {
		d := &gateway.Delivery{DeliveryKey: gateway.DeliveryKey{Subscription: sub.ID, Position: gateway.Position(-at.UnixMicro())}, Attempts: 1}
		return len(must(w.Attempts(context.Background(), d, 0, 10))(t)) == 1
	}
	test(other, start(0))
	// One by a clock that was ahead does not stand in the way of those after it, and goes before them.
	test(sub, start(1_000_000))
	for n := range many {
		test(sub, start(n))
		test(sub, start(n))
	}
	for n := range many {
		equal(t, fmt.Sprintf("test %d is kept", n), kept(sub, start(n)), n >= many-store.MaxTestAttempts)
	}
	equal(t, "that of a clock ahead is kept", kept(sub, start(1_000_000)), false)
	equal(t, "another's is kept", kept(other, start(0)), true)
	if err := w.DeleteSubscription(context.Background(), sub.ID, 0); err != nil {
		t.Fatal(err)
	}
	test(sub, start(0))
	equal(t, "one of a deleted subscription is kept", kept(sub, start(0)), false)
}
