package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var resultCases = []testCase{
	{"a delivery reads back with all it holds", testDeliveryRoundTrip},
	{"an answer that is no text is kept", testUnstorableAnswer},
	{"results become durable in their order", testResultOrder},
	{"the newest of a group's rows holds", testSuperseded},
	{"a replaced attempt becomes a row of its own", testPreviousAttempts},
	{"of many attempts the first and the last are kept", testManyAttempts},
	{"what a clock that was ahead has stored waits anew", testStoredAhead},
	{"a hold is stored, ended and survives other changes", testHold},
	{"the failures since the last success are kept with the subscription", testFailing},
	{"cursor, share and mark", testCursorShareMark},
	{"results are the same when they come again", testResultsAgain},
	{"many results", testManyResults},
}

// base is a time without more than microseconds, which is what is stored.
var base = time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)

func (w *world) subscribe(name string, start gateway.Start) *gateway.Subscription {
	w.t.Helper()
	return must(w.CreateSubscription(context.Background(), w.draft(name), start))(w.t)
}

func (w *world) draft(name string) *gateway.Subscription {
	return &gateway.Subscription{
		Tenant: w.tenantID(), Name: name, Filter: gateway.Filter{Types: []string{"order.*"}}, TargetType: "webhook",
		TargetConfig: []byte(`{"url":"http://127.0.0.1:9/"}`), Secret: "whsec_c2VjcmV0",
	}
}

func attempt(number int, kind gateway.OutcomeKind) *gateway.Attempt {
	return &gateway.Attempt{
		Number: number, Cause: gateway.CauseFirst, Start: base.Add(time.Duration(number) * time.Second),
		Outcome: gateway.Outcome{Kind: kind, Status: 200, Address: "127.0.0.1:9", Timings: gateway.Timings{Total: 3 * time.Millisecond}},
	}
}

func delivered(sub *gateway.Subscription, p gateway.Position) *gateway.Delivery {
	d := &gateway.Delivery{
		DeliveryKey: gateway.DeliveryKey{Subscription: sub.ID, Position: p}, Tenant: sub.Tenant,
		State: gateway.DeliveryDelivered, Attempts: 1, CreateTime: base, UpdateTime: base.Add(time.Second),
	}
	d.Last = attempt(1, gateway.OutcomeDelivered)
	return d
}

func retrying(sub *gateway.Subscription, p gateway.Position, due time.Time) *gateway.Delivery {
	d := delivered(sub, p)
	d.State, d.Due, d.Step = gateway.DeliveryRetrying, due, 1
	d.Last = attempt(1, gateway.OutcomeEventFailure)
	return d
}

// record queues results and waits for the commit of the last one.
func (w *world) record(results ...store.Result) {
	w.t.Helper()
	done := make(chan struct{})
	last := &results[len(results)-1]
	last.Committed = func() { close(done) }
	w.Record(results...)
	<-done
}

// mark returns the stored mark of group 0.
func (w *world) mark() gateway.Position {
	w.t.Helper()
	marks, err := w.Marks(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return marks[0]
}

func (w *world) recordDeliveries(deliveries ...*gateway.Delivery) {
	w.t.Helper()
	results := make([]store.Result, len(deliveries))
	for i, d := range deliveries {
		results[i].Delivery = d
	}
	w.record(results...)
}

func testStoredAhead(t *testing.T, fresh Fresh) {
	ctx := context.Background()
	w := running(t, fresh)
	w.publishMany(5)
	sub, other := w.subscribe("billing", gateway.Start{}), w.subscribe("other", gateway.Start{})
	now := base.Add(10 * time.Hour)
	at := func(sub *gateway.Subscription, p gateway.Position, stored time.Time, wait time.Duration) *gateway.Delivery {
		d := retrying(sub, p, stored.Add(wait))
		d.UpdateTime = stored
		return d
	}
	tomorrow := now.Add(24 * time.Hour)
	held := at(sub, 4, tomorrow, 0)
	held.Due = time.Time{}
	over := delivered(sub, 5)
	over.UpdateTime = tomorrow
	w.recordDeliveries(at(sub, 1, tomorrow, time.Minute), at(sub, 2, now.Add(-time.Minute), 20*time.Hour), at(sub, 3, tomorrow, time.Hour),
		held, over, at(other, 1, tomorrow, time.Minute))
	for _, c := range []struct {
		sub  *gateway.Subscription
		now  time.Time
		want bool
	}{{sub, now, true}, {other, now, true}, {sub, tomorrow, false}} {
		equal(t, "stored ahead", must(w.StoredAhead(ctx, c.sub.ID, c.now))(t), c.want)
	}
	for range 2 { // The second time there is nothing to do.
		w.record(store.Result{Subscription: sub.ID, ClockSet: now})
		for p, want := range []time.Time{
			1: now.Add(time.Minute), 2: now.Add(20*time.Hour - time.Minute), 3: now.Add(time.Hour), 4: {}, 5: {},
		} {
			if p > 0 {
				d := must(w.Delivery(ctx, sub.Tenant, gateway.DeliveryKey{Subscription: sub.ID, Position: gateway.Position(p)}))(t)
				equal(t, "due", d.Due, want)
			}
		}
		equal(t, "stored ahead afterwards", must(w.StoredAhead(ctx, sub.ID, now))(t), false)
	}
	equal(t, "stored ahead of the other", must(w.StoredAhead(ctx, other.ID, now))(t), true)
}

func deliveryText(d *gateway.Delivery) string {
	last := "no attempt"
	if d.Last != nil {
		last = fmt.Sprintf("%+v", *d.Last)
	}
	plain := *d
	plain.Last = nil
	return fmt.Sprintf("%+v %s", plain, last)
}

func testDeliveryRoundTrip(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(4)
	sub := w.subscribe("billing", gateway.Start{})
	full := retrying(sub, 1, base.Add(time.Hour))
	full.Run, full.Step, full.Probes, full.Attempts, full.Manual = 3, 4, 2, 9, true
	full.Last = &gateway.Attempt{
		Number: 9, Cause: gateway.CauseProbe, Start: base,
		Outcome: gateway.Outcome{
			Kind: gateway.OutcomeEndpointFailure, Status: 503, Error: "the endpoint answered 503", Address: "[::1]:443",
			Timings: gateway.Timings{
				DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond,
				FirstByte: 4 * time.Millisecond, Total: 5 * time.Millisecond,
			},
			ContentType: "text/plain", Response: []byte{0, 1, 0xff}, Truncated: true,
		},
	}
	pending := delivered(sub, 2)
	pending.State, pending.Attempts, pending.Last = gateway.DeliveryPending, 0, nil
	failed := retrying(sub, 3, time.Time{})
	failed.Last.Outcome.Status = 0
	for _, d := range []*gateway.Delivery{full, pending, failed, delivered(sub, 4)} {
		w.recordDeliveries(d)
		got := must(w.Delivery(context.Background(), sub.Tenant, d.DeliveryKey))(t)
		want := *d
		want.EventType = "order.created"
		event := must(w.EventsAt(context.Background(), []gateway.Position{d.Position}))(t)[d.Position]
		want.EventID, want.EventSubject, want.EventAcceptTime = event.ID, event.Subject, event.AcceptTime
		equal(t, "delivery", deliveryText(got), deliveryText(&want))
	}
	other := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t)
	_, err := w.Delivery(context.Background(), other.ID, full.DeliveryKey)
	notFound(t, err)
	_, err = w.Delivery(context.Background(), sub.Tenant, gateway.DeliveryKey{Subscription: sub.ID, Position: 1})
	notFound(t, err)
}

// testUnstorableAnswer has an endpoint send bytes that are no text: refused by a dialect they would come again for ever.
func testUnstorableAnswer(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(1)
	sub := w.subscribe("billing", gateway.Start{})
	d := retrying(sub, 1, base)
	d.Last.Outcome.ContentType = "text/html; charset=\xe9"
	d.Last.Outcome.Error = "answered \"a\x00b\""
	d.Last.Outcome.Response = []byte("\x00\xff")
	previous := *d.Last
	w.record(store.Result{Delivery: d, Previous: &previous})
	got := must(w.Delivery(context.Background(), sub.Tenant, d.DeliveryKey))(t)
	equal(t, "content type", got.Last.Outcome.ContentType, "text/html; charset=\uFFFD")
	equal(t, "error", got.Last.Outcome.Error, "answered \"a\uFFFDb\"")
	equal(t, "response", got.Last.Outcome.Response, []byte("\x00\xff"))
	if err := w.RecordTestAttempt(context.Background(), sub, previous); err != nil {
		t.Error(err)
	}
}

func testResultOrder(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(300)
	sub := w.subscribe("billing", gateway.Start{Kind: gateway.StartEarliest})
	var order []int
	done := make(chan struct{})
	const n = 300
	for i := range n {
		place := gateway.Position(i + 1)
		w.Record(
			store.Result{Delivery: delivered(sub, place)},
			store.Result{Subscription: sub.ID, Cursor: &place, Mark: place, Committed: func() {
				order = append(order, i)
				// Rule 14: the rows a cursor covers are there when it is.
				rows, err := w.SettledAbove(context.Background(), sub.ID, 0, place)
				if err != nil || len(rows) != i+1 && i%50 == 0 {
					if len(rows) < i+1 {
						t.Errorf("cursor %d with %d rows: %v", place, len(rows), err)
					}
				}
				if i == n-1 {
					close(done)
				}
			}},
		)
	}
	<-done
	for i, got := range order {
		if got != i {
			t.Fatalf("result %d was told as number %d", got, i)
		}
	}
	equal(t, "mark", w.mark(), n)
	equal(t, "cursor", *must(w.SubscriptionByRef(context.Background(), sub.Tenant, sub.UID))(t).Cursor, n)
	w.restart()
	equal(t, "mark", w.mark(), n)
}

func testSuperseded(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(2)
	sub := w.subscribe("billing", gateway.Start{})
	w.stop()
	w.open()
	pending := delivered(sub, 1)
	pending.State, pending.Attempts, pending.Last = gateway.DeliveryPending, 0, nil
	second := delivered(sub, 1)
	second.Attempts, second.Last = 2, attempt(2, gateway.OutcomeDelivered)
	told := 0
	count := func() { told++ }
	w.Record(
		store.Result{Delivery: pending, Committed: count},
		store.Result{Delivery: delivered(sub, 2), Committed: count},
		store.Result{Delivery: retrying(sub, 1, base), Committed: count},
		store.Result{Delivery: second, Previous: attempt(1, gateway.OutcomeEventFailure), Committed: count},
	)
	w.start()
	w.record(store.Result{})
	equal(t, "told", told, 4)
	got := must(w.Delivery(context.Background(), sub.Tenant, second.DeliveryKey))(t)
	equal(t, "state", got.State, gateway.DeliveryDelivered)
	equal(t, "attempts", attemptNumbers(w, got), []int{1, 2})
	rows, _, err := w.ListDeliveries(context.Background(), store.DeliveryQuery{Tenant: sub.Tenant, Limit: 10})
	if err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v, want 2", len(rows), err)
	}
}

func attemptNumbers(w *world, d *gateway.Delivery) (numbers []int) {
	w.t.Helper()
	for _, a := range must(w.Attempts(context.Background(), d, 0, 1000))(w.t) {
		numbers = append(numbers, a.Number)
	}
	return numbers
}

func testPreviousAttempts(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(1)
	sub := w.subscribe("billing", gateway.Start{})
	var previous *gateway.Attempt
	var d *gateway.Delivery
	for n := 1; n <= 4; n++ {
		d = retrying(sub, 1, base)
		d.Attempts, d.Last = n, attempt(n, gateway.OutcomeEventFailure)
		d.Last.Outcome.Status = 400 + n
		w.record(store.Result{Delivery: d, Previous: previous})
		previous = d.Last
	}
	attempts := must(w.Attempts(context.Background(), must(w.Delivery(context.Background(), sub.Tenant, d.DeliveryKey))(t), 0, 100))(t)
	equal(t, "attempts", len(attempts), 4)
	for i, a := range attempts {
		want := attempt(i+1, gateway.OutcomeEventFailure)
		want.Outcome.Status = 401 + i
		equal(t, "attempt", a, *want)
	}
}

func testManyAttempts(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(1)
	sub := w.subscribe("billing", gateway.Start{})
	key := gateway.DeliveryKey{Subscription: sub.ID, Position: 1}
	var previous *gateway.Attempt
	for n := 1; n <= 120; n++ {
		last := attempt(n, gateway.OutcomeSlowDown)
		w.record(store.Result{Delivery: &gateway.Delivery{
			DeliveryKey: key, Tenant: sub.Tenant, State: gateway.DeliveryRetrying, Attempts: n, Last: last,
			CreateTime: last.Start, UpdateTime: last.Start,
		}, Previous: previous})
		previous = last
	}
	d := must(w.Delivery(context.Background(), sub.Tenant, key))(t)
	var numbers []int
	for after := 0; ; {
		page := must(w.Attempts(context.Background(), d, after, 7))(t)
		if len(page) == 0 {
			break
		}
		for _, a := range page {
			numbers = append(numbers, a.Number)
		}
		after = numbers[len(numbers)-1]
	}
	equal(t, "kept", len(numbers), 50)
	for i, n := range numbers {
		want := i + 1
		if i >= gateway.FirstAttemptsKept {
			want = i + 71
		}
		equal(t, "number", n, want)
	}
	equal(t, "left out", d.AttemptsLeftOut(), 70)
}

func testHold(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sub := w.subscribe("billing", gateway.Start{})
	stored := func() gateway.Hold {
		t.Helper()
		return must(w.SubscriptionByRef(context.Background(), sub.Tenant, sub.UID))(t).Hold
	}
	hold := gateway.Hold{Kind: gateway.HoldSlowDown, Until: time.Unix(1_900_000_000, 0).UTC(), Reason: "429", Wait: time.Minute}
	w.record(store.Result{Subscription: sub.ID, Hold: &gateway.Hold{Kind: gateway.HoldFilter}}, store.Result{Subscription: sub.ID, Hold: &hold})
	equal(t, "hold", stored(), hold)
	// Another change leaves it, and one that ends it does so in its own transaction.
	for _, want := range []gateway.Hold{hold, {}} {
		updated, _, err := w.UpdateSubscription(context.Background(), sub.ID, 0, func(s *gateway.Subscription) error {
			s.Description, s.Hold = "changed", want
			return nil
		})
		equal(t, "hold of the updated", must(updated, err)(t).Hold, want)
	}
	nul := gateway.Hold{Kind: gateway.HoldFilter, Reason: "a\x00\xff"}
	w.record(store.Result{Subscription: sub.ID, Hold: &nul})
	equal(t, "hold that lasts", stored(), gateway.Hold{Kind: gateway.HoldFilter, Reason: "a\uFFFD\uFFFD"})
	w.record(store.Result{Subscription: sub.ID, Hold: new(gateway.Hold)})
	equal(t, "no hold", stored(), gateway.Hold{})
}

func testFailing(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(1)
	sub := w.subscribe("billing", gateway.Start{})
	stored := func() gateway.Failing {
		t.Helper()
		return must(w.SubscriptionByRef(context.Background(), sub.Tenant, sub.UID))(t).Failing
	}
	at := time.Unix(1_900_000_000, 0).UTC()
	failing := gateway.Failing{Since: at, Last: gateway.Failure{Kind: gateway.FailureRefused, Status: 400, Error: "a\x00", Time: at}}
	w.record(store.Result{Subscription: sub.ID, Failing: new(gateway.Failing)}, store.Result{Delivery: retrying(sub, 1, base), Failing: &failing})
	failing.Last.Error = "a\uFFFD"
	equal(t, "failures", stored(), failing)
	_, _, err := w.UpdateSubscription(context.Background(), sub.ID, 0, func(s *gateway.Subscription) error {
		s.Description = "changed"
		return nil
	})
	equal(t, "error of a change", err, nil)
	equal(t, "failures after a change", stored(), failing)
	w.record(store.Result{Subscription: sub.ID, Failing: new(gateway.Failing)})
	equal(t, "no failures", stored(), gateway.Failing{})
}

func testCursorShareMark(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(10)
	sub := w.subscribe("billing", gateway.StartAfter(gateway.Cursor{Position: 2}))
	stored := func() *gateway.Position {
		t.Helper()
		return must(w.SubscriptionByRef(context.Background(), sub.Tenant, sub.UID))(t).Cursor
	}
	equal(t, "cursor", *stored(), 2)
	place := gateway.Position(5)
	w.record(store.Result{Subscription: sub.ID, Cursor: &place})
	equal(t, "cursor", *stored(), 5)
	w.record(store.Result{Subscription: sub.ID, Share: true, Mark: 9})
	if stored() != nil {
		t.Error("a subscription that shares the mark has a cursor")
	}
	equal(t, "mark", w.mark(), 9)
	// In one group the last word counts; the mark never goes back.
	w.record(
		store.Result{Subscription: sub.ID, Share: true},
		store.Result{Subscription: sub.ID, Cursor: &place, Mark: 10},
		store.Result{Mark: 4},
	)
	equal(t, "cursor", *stored(), 5)
	equal(t, "mark", w.mark(), 10)
	w.record(store.Result{Mark: 3})
	w.restart()
	equal(t, "mark", w.mark(), 10)
	equal(t, "cursor", *stored(), 5)
}

// testResultsAgain records the same results twice, as after a commit whose answer was lost.
func testResultsAgain(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(1)
	sub := w.subscribe("billing", gateway.Start{})
	second := delivered(sub, 1)
	second.Attempts, second.Last = 2, attempt(2, gateway.OutcomeDelivered)
	again := store.Result{Delivery: second, Previous: attempt(1, gateway.OutcomeEventFailure), Mark: 1}
	w.record(again)
	w.record(again)
	equal(t, "attempts", attemptNumbers(w, second), []int{1, 2})
}

func testManyResults(t *testing.T, fresh Fresh) {
	const n = 9_001 // several groups, and every size of statement
	w := running(t, fresh)
	sub := w.subscribe("billing", gateway.Start{})
	deliveries := make([]*gateway.Delivery, n)
	for i := range deliveries {
		deliveries[i] = delivered(sub, gateway.Position(i+1))
	}
	w.recordDeliveries(deliveries...)
	equal(t, "rows", len(must(w.SettledAbove(context.Background(), sub.ID, 0, n))(t)), n)
}
