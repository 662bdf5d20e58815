package deliver_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// inWorldAfter runs a test in a world that a server left behind whose clock was a day ahead. Each bubble begins at the same
// time, however much time passed in the one before.
func inWorldAfter(t *testing.T, before, test func(w *world)) {
	t.Helper()
	w := newWorld(t)
	run := func(ahead time.Duration, part func(w *world)) {
		synctest.Test(t, func(t *testing.T) {
			w.t = t
			pass(ahead)
			w.start()
			defer w.stop()
			part(w)
		})
	}
	run(24*time.Hour, before)
	run(0, test)
}

var oneStep = gateway.Policy{RetrySchedule: []time.Duration{time.Minute, time.Minute, 10 * time.Hour}}

// A server was stopped while its clock was a day ahead. Deliveries that had to wait for a minute then waited for a day.
func TestRetriesStoredByAClockThatWasAheadWaitOneStep(t *testing.T) {
	t.Parallel()
	var sub *gateway.Subscription
	inWorldAfter(t, func(w *world) {
		var e *endpoint
		sub, e = w.subscribe("s", gateway.StartNow, oneStep)
		e.set(always(eventFailure))
		w.publishN(10, "a")
		pass(time.Second)
		equal(t, "retrying", w.states(sub)[gateway.DeliveryRetrying], 10)
	}, func(w *world) {
		e := w.endpoints["s"]
		e.forget()
		e.set(answerAlways("3", eventFailure))
		pass(30 * time.Second)
		equal(t, "attempts before their step", len(e.ids()), 0)
		pass(45 * time.Second)
		equal(t, "delivered after a step", w.states(sub)[gateway.DeliveryDelivered], 9)
		equal(t, "steps", w.delivery(sub, 3).Step, 2)
		e.set(always(delivered))
		pass(75 * time.Second)
		equal(t, "delivered in the end", w.states(sub)[gateway.DeliveryDelivered], 10)
	})
}

// The hold that an endpoint asked for was bounded to a day, whatever the endpoint had asked for.
func TestAHoldStoredByAClockThatWasAheadLastsAsLongAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	var sub *gateway.Subscription
	inWorldAfter(t, func(w *world) {
		var e *endpoint
		sub, e = w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		e.set(always(slowDown(time.Minute)))
		w.publishN(3, "a")
		pass(time.Second)
	}, func(w *world) {
		w.endpoints["s"].set(always(delivered))
		pass(30 * time.Second)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerHolding)
		equal(t, "delivered before it ends", w.states(sub)[gateway.DeliveryDelivered], 0)
		pass(31 * time.Second)
		equal(t, "delivered after it", w.states(sub)[gateway.DeliveryDelivered], 3)
	})
}

// The clock of a running server is a day ahead while deliveries fail, and is then set back.
func TestRetriesOfARunningServerWaitOneStepAfterItsClockWasSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var ahead atomic.Int64
		ahead.Store(int64(24 * time.Hour))
		w.wall = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())).Round(0) }
		w.start()
		defer w.stop()
		sub, e := w.subscribe("s", gateway.StartNow, oneStep)
		e.set(always(eventFailure))
		w.publishN(10, "a")
		pass(10 * time.Second)
		w.storeAhead(sub, 24*time.Hour)
		ahead.Store(0)
		e.set(always(delivered))
		pass(40 * time.Second)
		equal(t, "delivered before a step", w.states(sub)[gateway.DeliveryDelivered], 0)
		pass(40 * time.Second)
		equal(t, "delivered after a step", w.states(sub)[gateway.DeliveryDelivered], 10)
	})
}

// storeAhead changes the stored times to those of a clock that is ahead.
func (w *world) storeAhead(sub *gateway.Subscription, ahead time.Duration) {
	w.t.Helper()
	rows, err := w.store.OpenDeliveries(w.ctx, sub.ID, time.Now().Add(1000*time.Hour), 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range rows {
		d.Due, d.UpdateTime = d.Due.Add(ahead), d.UpdateTime.Add(ahead)
		w.store.Record(store.Result{Delivery: d})
	}
	synctest.Wait()
}
