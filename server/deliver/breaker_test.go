package deliver_test

import (
	"context"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// open makes the endpoint fail until the breaker is open, and returns the subscription.
func (w *world) open(slots int) (*gateway.Subscription, *endpoint) {
	w.t.Helper()
	sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: slots})
	e.set(always(endpointFailure))
	w.publishN(100, "a")
	pass(time.Second)
	equal(w.t, "breaker", w.health(sub).Breaker, gateway.BreakerOpen)
	return sub, e
}

func TestBreakerOpensAndGivesStepsBack(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.open(1)
		equalList(t, "attempted", e.ids(), []string{"1", "2", "3", "4", "5"})
		for p := range gateway.Position(5) {
			d := w.delivery(sub, p+1)
			equal(t, "state", d.State, gateway.DeliveryRetrying)
			equal(t, "step", d.Step, 0)
			equal(t, "due", d.Due, time.Time{})
			equal(t, "attempts", d.Attempts, 1)
		}
		health := w.health(sub)
		equal(t, "place", health.Place, 5)
		equal(t, "backlog", health.Backlog, 95)
		equal(t, "retrying", health.Retrying, 5)
	})
}

func TestProbesBackOffAndGoToSuccessiveEvents(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.open(1)
		opened := e.received()[4].at
		e.forget()
		pass(26 * time.Minute)

		got := e.received()
		wait, at := gateway.FirstProbeWait, opened
		for i, r := range got {
			at = at.Add(wait)
			if d := r.at.Sub(at); d < 0 || d > time.Second {
				t.Errorf("probe %d is %v late", i, d)
			}
			wait, at = min(2*wait, gateway.MaxProbeWait), r.at
		}
		equalList(t, "first probes", e.ids()[:10], []string{"1", "2", "3", "4", "5", "1", "2", "3", "4", "5"})
		equal(t, "place", w.health(sub).Place, 5)
		equal(t, "step of a probed one", w.delivery(sub, 1).Step, 0)
		equal(t, "cause", w.delivery(sub, 1).Last.Cause, gateway.CauseProbe)

		pass(3 * time.Hour)
		d := w.delivery(sub, 1)
		equal(t, "probes", d.Probes, gateway.ProbesPerEvent)
		equal(t, "step after three probes", d.Step, 1)
		if w.health(sub).Place < 10 {
			t.Errorf("probes did not go on to the next events: place %d", w.health(sub).Place)
		}
	})
}

func TestBreakerClosesAndEverythingArrives(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.open(4)
		pass(20 * time.Minute)
		before := len(e.ids())
		e.set(func(context.Context, *target.Message, int) gateway.Outcome {
			time.Sleep(10 * time.Millisecond)
			return delivered
		})
		pass(6 * time.Minute)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerClosed)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 100)
		got := e.ids()[before:]
		equal(t, "attempts since", len(got), 100)
		// Waiting events go before new ones: 1 to 5 are among the first, 6 and later ones after them.
		for _, id := range got[:5] {
			if len(id) > 1 || id > "8" {
				t.Errorf("event %s went before what waited: %v", id, got[:8])
			}
		}
		pass(100 * time.Hour)
		equal(t, "attempts after days", len(e.ids())-before, 100)
	})
}

func TestRampAfterClosing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		_, e := w.open(32)
		e.forget()
		e.set(func(context.Context, *target.Message, int) gateway.Outcome {
			time.Sleep(time.Second)
			return delivered
		})
		pass(4500 * time.Millisecond)
		equal(t, "at once, first", e.peak(), 1)
		pass(time.Second)
		equal(t, "at once, then", e.peak(), 1)
		pass(time.Second)
		equal(t, "at once, later", e.peak(), 2)
		pass(20 * time.Second)
		equal(t, "at once, in the end", e.peak() > 8, true)
	})
}

// Twenty events refused in a row are one bad deploy, not twenty bad events.
func TestTwentyRefusedEventsOpen(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		e.set(always(eventFailure))
		w.publishN(50, "a")
		pass(4 * time.Second)
		equal(t, "attempts", len(e.ids()), gateway.AnyFailuresToOpen)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerOpen)
		equal(t, "step", w.delivery(sub, 7).Step, 0)
		e.set(always(delivered))
		pass(time.Minute)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 50)
	})
}

// A refused probe shows that the endpoint is back. The refusal concerns only that event.
func TestRefusedProbeCloses(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.open(1)
		e.set(func(_ context.Context, m *target.Message, _ int) gateway.Outcome {
			if m.ID == "1" {
				return eventFailure
			}
			return delivered
		})
		pass(6 * time.Second)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerClosed)
		equal(t, "step of the refused", w.delivery(sub, 1).Step, 1)
		pass(time.Minute)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 99)
	})
}

// An event on which the endpoint always fails cannot keep the breaker open.
func TestPoisonCannotHoldTheBreaker(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		e.set(func(_ context.Context, m *target.Message, _ int) gateway.Outcome {
			if len(m.ID) == 1 { // 1 to 9
				return endpointFailure
			}
			return delivered
		})
		w.publishN(60, "a")
		pass(12 * time.Hour)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 51)
		equal(t, "retrying", w.health(sub).Retrying, 9)
		// Without a success in between, the nine open the breaker again; the next event closes it.
		w.publish("a")
		pass(gateway.MaxProbeWait + time.Second)
		equal(t, "state of the new one", w.delivery(sub, 61).State, gateway.DeliveryDelivered)
	})
}

// Without new events to probe with, the waiting ones are tried again, without using up steps.
func TestOutageWithoutNewEvents(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{})
		e.set(always(endpointFailure))
		w.publishN(5, "a")
		pass(5 * 24 * time.Hour)
		health := w.health(sub)
		equal(t, "breaker", health.Breaker, gateway.BreakerOpen)
		equal(t, "dead", health.Dead, 0)
		e.set(always(delivered))
		pass(24 * time.Hour)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 5)
	})
}

// If an open breaker has nothing to probe with, the next event is the probe.
func TestNewEventIsTheProbe(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{RetrySchedule: []time.Duration{200 * time.Hour}})
		e.set(always(endpointFailure))
		w.publishN(5, "a")
		pass(3 * time.Hour)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerOpen)
		e.set(always(delivered))
		w.publish("a")
		pass(time.Second)
		equal(t, "state of the new one", w.delivery(sub, 6).State, gateway.DeliveryDelivered)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerClosed)
	})
}

func TestSlowDownHolds(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		e.set(func(_ context.Context, m *target.Message, nth int) gateway.Outcome {
			if nth == 2 || nth == 3 {
				return slowDown(time.Hour)
			}
			return delivered
		})
		w.publishN(10, "a")
		pass(59 * time.Minute)
		equal(t, "attempts", len(e.ids()), 3)
		health := w.health(sub)
		equal(t, "breaker", health.Breaker, gateway.BreakerHolding)
		equal(t, "place", health.Place, 3)
		pass(2 * time.Minute)
		equal(t, "attempts after the hold", len(e.ids()), 4)
		pass(time.Hour)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 10)
		d := w.delivery(sub, 3)
		equal(t, "steps", d.Step, 0)
		equal(t, "attempts of the held one", d.Attempts, 3)
	})
}

func TestGoneDisablesUntilResumed(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		e.set(func(_ context.Context, m *target.Message, nth int) gateway.Outcome {
			if m.ID == "3" {
				return gone
			}
			return delivered
		})
		w.publishN(10, "a")
		pass(time.Hour)
		equal(t, "attempts", len(e.ids()), 3)
		stored := w.stored(sub)
		equal(t, "state", stored.State, gateway.SubscriptionDisabled)
		equal(t, "has a reason", stored.StateReason != "", true)

		w.restart()
		pass(time.Hour)
		equal(t, "attempts after a restart", len(e.ids()), 3)
		e.set(always(delivered))
		if _, err := w.engine.Resume(w.ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 10)
		equal(t, "attempts", len(e.ids()), 11)
		equal(t, "reason", w.stored(sub).StateReason, "")
	})
}

// A manual retry is made while the breaker is open, and its success closes the breaker.
func TestManualRetryWhileOpen(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.open(1)
		pass(30 * time.Minute)
		e.forget()
		key := w.delivery(sub, 2).DeliveryKey
		if _, err := w.engine.Retry(w.ctx, tenant, key); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Millisecond)
		equalList(t, "attempted at once", e.ids(), []string{"2"})
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerOpen)
		e.set(always(delivered))
		if _, err := w.engine.Retry(w.ctx, tenant, key); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerClosed)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 100)
	})
}

// Attempts that are under way when the breaker opens finish; their failures wait for it.
func TestAttemptsUnderWayWhenItOpens(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 16})
		w.publishN(40, "warm")
		pass(time.Second)
		e.set(func(_ context.Context, m *target.Message, nth int) gateway.Outcome {
			time.Sleep(time.Duration(nth) * 10 * time.Millisecond)
			if nth%4 == 3 {
				return delivered
			}
			return endpointFailure
		})
		e.forget()
		w.publishN(100, "a")
		pass(3 * time.Second)
		e.set(always(endpointFailure))
		pass(time.Hour)
		e.set(always(delivered))
		pass(time.Hour)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 140)
	})
}
