package deliver_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

func TestDeliversMatchingEventsInOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		one := gateway.Policy{Concurrency: 1}
		_, orders := w.subscribe("orders", gateway.StartNow, one, "order.*", "order.created")
		_, exact := w.subscribe("exact", gateway.StartNow, one, "order.created")
		all, everything := w.subscribe("all", gateway.StartNow, one)
		w.publish("order.created", "user.created", "order.paid.late", "orders.created")
		pass(time.Second)

		equalList(t, "by prefix", orders.ids(), []string{"1", "3"})
		equalList(t, "exact", exact.ids(), []string{"1"})
		equalList(t, "all", everything.ids(), []string{"1", "2", "3", "4"})
		equal(t, "cursor of the second", everything.received()[1].cursor, w.store.Cursor(2).String())

		d := w.delivery(all, 2)
		equal(t, "state", d.State, gateway.DeliveryDelivered)
		equal(t, "attempts", d.Attempts, 1)
		equal(t, "cause", d.Last.Cause, gateway.CauseFirst)
		equal(t, "status", d.Last.Outcome.Status, 200)
		health := w.health(all)
		equal(t, "successes", health.Successes, 4)
		equal(t, "backlog", health.Backlog, 0)
		equal(t, "place", health.Place, 4)
	})
}

// The log line of an attempt gave its cause as a number, and a time in the year 1 when no next attempt was due.
func TestTheLineOfAnAttemptNamesItsCauseAndADueTimeOnlyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var lines bytes.Buffer
		w.logger = slog.New(slog.NewTextHandler(&lines, nil))
		w.start()
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{RetrySchedule: []time.Duration{time.Minute}})
		e.set(func(context.Context, *target.Message, int) gateway.Outcome { return eventFailure })
		w.publish("a")
		pass(time.Hour)
		id := w.delivery(sub, 1).ID()
		w.stop()
		got := strings.Split(strings.TrimSpace(lines.String()), "\n")
		equal(t, "lines", len(got), 2)
		for i, want := range []struct {
			cause string
			due   bool
		}{{"first", true}, {"retry", false}} {
			if !strings.Contains(got[i], " cause="+want.cause+" ") || strings.Contains(got[i], " due=") != want.due || !strings.Contains(got[i], id) {
				t.Errorf("line %d: %s", i, got[i])
			}
		}
	})
}

func TestNeverMoreAttemptsThanSlots(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		_, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 7})
		e.set(func(context.Context, *target.Message, int) gateway.Outcome {
			time.Sleep(300 * time.Millisecond)
			return delivered
		})
		w.publishN(200, "a")
		pass(time.Minute)
		equal(t, "delivered", len(e.received()), 200)
		equal(t, "most at once", e.peak(), 7)
	})
}

// A response that never comes blocks neither the stored position nor the other slots.
func TestSlowAttemptDoesNotHoldThePlace(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 2})
		w.publishN(5, "warm")
		pass(time.Second)
		e.set(func(ctx context.Context, m *target.Message, nth int) gateway.Outcome {
			if m.ID == "6" {
				time.Sleep(10 * time.Second)
			}
			return delivered
		})
		w.publishN(20, "a")
		pass(900 * time.Millisecond)
		equal(t, "place before a second", w.health(sub).Place, 5)
		pass(200 * time.Millisecond)
		equal(t, "state after a second", w.delivery(sub, 6).State, gateway.DeliveryPending)
		equal(t, "place after a second", w.health(sub).Place, 25)
		pass(time.Second)
		if place := w.mark(); place != 25 {
			t.Errorf("the mark is held at %d", place)
		}
		pass(10 * time.Second)
		d := w.delivery(sub, 6)
		equal(t, "state in the end", d.State, gateway.DeliveryDelivered)
		equal(t, "attempts", d.Attempts, 1)
	})
}

func TestRetryScheduleUntilDeadAndManualRetry(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{})
		e.set(always(eventFailure))
		w.publish("a")
		pass(100 * time.Hour)

		got := e.received()
		schedule := gateway.DefaultRetrySchedule
		equal(t, "attempts", len(got), len(schedule)+1)
		for i := 1; i < len(got); i++ {
			wait := got[i].at.Sub(got[i-1].at)
			if wait < schedule[i-1]*8/10 || wait > schedule[i-1]*12/10+50*time.Millisecond {
				t.Errorf("wait %d is %v, want %v ± 20 %%", i, wait, schedule[i-1])
			}
		}
		d := w.delivery(sub, 1)
		equal(t, "state", d.State, gateway.DeliveryDead)
		attempts, err := w.store.Attempts(w.ctx, d, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "attempts kept", len(attempts), len(schedule)+1)
		equal(t, "cause of the last", attempts[len(schedule)].Cause, gateway.CauseRetry)
		equal(t, "number of the last", attempts[len(schedule)].Number, len(schedule)+1)
		equal(t, "dead", w.health(sub).Dead, 1)

		e.set(always(delivered))
		if _, err := w.engine.Retry(w.ctx, tenant, d.DeliveryKey); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		d = w.delivery(sub, 1)
		equal(t, "state after a manual retry", d.State, gateway.DeliveryDelivered)
		equal(t, "cause", d.Last.Cause, gateway.CauseManual)
		if _, err := w.engine.Retry(w.ctx, tenant, d.DeliveryKey); gateway.ErrorCode(err) != gateway.CodeFailedPrecondition {
			t.Errorf("retry of a delivered one: %v", err)
		}
	})
}

// A dead delivery gets a fresh schedule; a waiting one is only tried earlier.
func TestManualRetryThatFails(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{RetrySchedule: []time.Duration{time.Hour, time.Hour}})
		e.set(always(eventFailure))
		w.publish("a")
		pass(time.Second)
		key := w.delivery(sub, 1).DeliveryKey
		retry := func() {
			t.Helper()
			if _, err := w.engine.Retry(w.ctx, tenant, key); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
		}
		retry()
		equal(t, "steps of one that waited", w.delivery(sub, 1).Step, 2)
		retry()
		equal(t, "state", w.delivery(sub, 1).State, gateway.DeliveryDead)
		retry()
		d := w.delivery(sub, 1)
		equal(t, "state of the revived", d.State, gateway.DeliveryRetrying)
		equal(t, "steps of the revived", d.Step, 1)
		equal(t, "attempts of the revived", d.Attempts, 4)
	})
}

func TestRetryDoesNotHoldASlot(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		e.set(func(_ context.Context, m *target.Message, _ int) gateway.Outcome {
			if m.ID == "1" {
				return eventFailure
			}
			return delivered
		})
		w.publishN(30, "a")
		pass(time.Second)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 29)
		equal(t, "retrying", w.health(sub).Retrying, 1)
		equal(t, "place", w.health(sub).Place, 30)
	})
}

func TestWrongTargetAndPayloadAreOutcomes(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, err := w.engine.Create(w.ctx, &gateway.Subscription{
			Tenant: tenant, Name: "nowhere", TargetType: "fake", TargetConfig: []byte("nowhere"),
		}, gateway.Start{})
		if err != nil {
			t.Fatal(err)
		}
		w.publish("a")
		pass(time.Second)
		d := w.delivery(sub, 1)
		equal(t, "state", d.State, gateway.DeliveryRetrying)
		equal(t, "outcome", d.Last.Outcome.Kind, gateway.OutcomeEndpointFailure)
	})
}

// More failed events are due at about the same time than one read returns.
func TestManyRetriesComeDue(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 4})
		failed := map[string]bool{}
		e.set(func(_ context.Context, m *target.Message, nth int) gateway.Outcome {
			e.mu.Lock()
			defer e.mu.Unlock()
			// Every second event fails once.
			if !failed[m.ID] && len(failed)*2 < nth {
				failed[m.ID] = true
				return eventFailure
			}
			return delivered
		})
		ids := w.publishN(400, "a")
		pass(time.Minute)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 400)
		e.mu.Lock()
		again := len(failed)
		e.mu.Unlock()
		equal(t, "attempts", len(e.received()), 400+again)
		got := e.ids()
		slices.Sort(got)
		equal(t, "distinct", len(slices.Compact(got)), len(ids))
	})
}

func TestTestAttempt(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{})
		e.set(always(gone))
		result, err := w.engine.Test(w.ctx, w.stored(sub), nil)
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		equal(t, "kind", result.Attempt.Outcome.Kind, gateway.OutcomeGone)
		equal(t, "cause", result.Attempt.Cause, gateway.CauseTest)
		equal(t, "id received", e.ids()[0], result.EventID)
		equal(t, "prefix", result.EventID[:5], "test_")
		equal(t, "body", bytes.Contains(result.Body, []byte(result.EventID)), true)
		equal(t, "state", w.stored(sub).State, gateway.SubscriptionActive)
		equal(t, "head", w.store.Head(), 0)
		equal(t, "attempts in health", w.health(sub).Attempts, 0)
	})
}

func TestEachOutcomeWhileClosed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		outcome gateway.Outcome
		state   gateway.DeliveryState
		step    int
		due     bool
		breaker gateway.BreakerState
		sub     gateway.SubscriptionState
	}{
		{"delivered", delivered, gateway.DeliveryDelivered, 0, false, gateway.BreakerClosed, gateway.SubscriptionActive},
		{"event failure", eventFailure, gateway.DeliveryRetrying, 1, true, gateway.BreakerClosed, gateway.SubscriptionActive},
		{"endpoint failure", endpointFailure, gateway.DeliveryRetrying, 1, true, gateway.BreakerClosed, gateway.SubscriptionActive},
		{"slow down", slowDown(time.Hour), gateway.DeliveryRetrying, 0, false, gateway.BreakerHolding, gateway.SubscriptionActive},
		{"gone", gone, gateway.DeliveryRetrying, 0, false, gateway.BreakerClosed, gateway.SubscriptionDisabled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{})
				e.set(always(c.outcome))
				w.publish("a")
				pass(time.Second)
				d := w.delivery(sub, 1)
				equal(t, "state", d.State, c.state)
				equal(t, "step", d.Step, c.step)
				equal(t, "has a due time", !d.Due.IsZero(), c.due)
				equal(t, "breaker", w.health(sub).Breaker, c.breaker)
				equal(t, "subscription", w.stored(sub).State, c.sub)
				equal(t, "attempts made", fmt.Sprint(len(e.received())), "1")
			})
		})
	}
}
