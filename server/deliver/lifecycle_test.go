package deliver_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/deliver"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

func TestStartEarliestReadsTheLogThenFollowsIt(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.publish("a", "b", "a", "b", "a")
		sub, e := w.subscribe("s", gateway.StartEarliest, gateway.Policy{Concurrency: 1}, "a")
		pass(time.Second)
		w.publish("b", "a")
		pass(time.Second)
		equalList(t, "received", e.ids(), []string{"1", "3", "5", "7"})
		if c := w.stored(sub).Cursor; c != nil {
			t.Errorf("caught up, but has a cursor of its own: %d", *c)
		}
	})
}

// Every event published after Create has returned is delivered, and none from before it.
func TestStartNow(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.publishN(3000, "a")
		_, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		w.publish("a")
		pass(time.Second)
		equalList(t, "received", e.ids(), []string{"3001"})
	})
}

func TestPauseHoldsThePlace(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		w.publishN(3, "a")
		pass(time.Second)
		paused, err := w.engine.Pause(w.ctx, sub.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "state", paused.State, gateway.SubscriptionPaused)
		again, err := w.engine.Pause(w.ctx, sub.ID)
		if err != nil || again.Revision != paused.Revision {
			t.Errorf("second pause: revision %d, %v", again.Revision, err)
		}
		w.publishN(5000, "a")
		pass(time.Hour)
		equal(t, "received while paused", len(e.ids()), 3)
		health := w.health(sub)
		equal(t, "backlog", health.Backlog, 5000)
		equal(t, "place", health.Place, 3)

		w.restart()
		pass(time.Hour)
		equal(t, "received after a restart", len(e.ids()), 3)
		if _, err := w.engine.Resume(w.ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		equal(t, "received after resume", len(e.ids()), 5003)
		equal(t, "in order", slices.IsSortedFunc(e.received(), func(a, b received) int { return len(a.id) - len(b.id) }), true)
	})
}

func TestManualRetryWhilePausedWaits(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{})
		e.set(always(eventFailure))
		w.publish("a")
		pass(time.Second)
		if _, err := w.engine.Pause(w.ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.Retry(w.ctx, tenant, w.delivery(sub, 1).DeliveryKey); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		equal(t, "attempts while paused", len(e.ids()), 1)
		e.set(always(delivered))
		if _, err := w.engine.Resume(w.ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		equal(t, "cause", w.delivery(sub, 1).Last.Cause, gateway.CauseManual)
	})
}

// An edit applies to events that are not dispatched yet, in both directions. Existing rows are not affected.
func TestFilterEdit(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1}, "a")
		release := make(chan struct{})
		e.set(func(context.Context, *target.Message, int) gateway.Outcome {
			<-release
			return eventFailure
		})
		w.publish("b", "a", "b", "a")
		pass(10 * time.Millisecond)
		equalList(t, "under way", e.ids(), []string{"2"})
		_, from, err := w.engine.Update(w.ctx, sub.ID, sub.Revision, func(s *gateway.Subscription) error {
			s.Filter.Types = []string{"b"}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "from", from, 3)
		equal(t, "row of the one under way", w.delivery(sub, 2).State, gateway.DeliveryPending)
		w.publish("a", "b")
		e.set(always(delivered))
		close(release)
		pass(time.Minute)
		// 4 was not dispatched and is no longer selected; 2 was dispatched and is retried.
		equalList(t, "received", e.ids(), []string{"2", "6", "2"})

		if _, _, err := w.engine.Update(w.ctx, sub.ID, 1, func(*gateway.Subscription) error { return nil }); gateway.ErrorCode(err) != gateway.CodeAborted {
			t.Errorf("update under an old revision: %v", err)
		}
		refused := errors.New("refused")
		if _, _, err := w.engine.Update(w.ctx, sub.ID, 0, func(*gateway.Subscription) error { return refused }); !errors.Is(err, refused) {
			t.Errorf("update that is refused: %v", err)
		}
		w.publish("b")
		pass(time.Second)
		equal(t, "goes on after refused updates", len(e.ids()), 4)
	})
}

func TestTargetEditClosesTheBreaker(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, _ := w.open(1)
		other := w.endpoint("other")
		_, _, err := w.engine.Update(w.ctx, sub.ID, 0, func(s *gateway.Subscription) error {
			s.TargetConfig = []byte("other")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		equal(t, "received", len(other.ids()), 100)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerClosed)
	})
}

func TestDeleteStopsAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 4})
		w.publishN(10, "warm")
		pass(time.Second)
		e.set(swallow)
		w.publishN(100, "a")
		pass(5 * time.Second)
		equal(t, "under way", len(e.ids()), 14)
		if err := w.engine.Delete(w.ctx, sub.ID, 99); gateway.ErrorCode(err) != gateway.CodeAborted {
			t.Errorf("delete under a wrong revision: %v", err)
		}
		if err := w.engine.Delete(w.ctx, sub.ID, sub.Revision); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		active, _ := e.underWay()
		equal(t, "under way after it", active, 0)
		w.publishN(10, "a")
		pass(time.Hour)
		equal(t, "attempts", len(e.ids()), 14)
		equal(t, "rows", len(w.states(sub)), 0)
		if err := w.engine.Delete(w.ctx, sub.ID, 0); gateway.ErrorCode(err) != gateway.CodeNotFound {
			t.Errorf("second delete: %v", err)
		}
	})
}

// A stop lets attempts finish. Attempts that do not are cut off, do not count, and are made again.
func TestStop(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 8})
		w.publishN(20, "warm")
		pass(time.Second)
		e.set(func(ctx context.Context, m *target.Message, nth int) gateway.Outcome {
			if nth%2 == 0 {
				return swallow(ctx, m, nth)
			}
			time.Sleep(5 * time.Second)
			return delivered
		})
		w.publishN(30, "a")
		pass(100 * time.Millisecond)
		began := time.Now()
		w.restart()
		equal(t, "stop took", time.Since(began).Round(time.Second), 10*time.Second)
		synctest.Wait()
		e.set(always(delivered))
		first := e.received()
		cut := 0
		for _, r := range first {
			if r.kind == gateway.OutcomeNone {
				cut++
			}
		}
		equal(t, "cut off", cut, 4+1) // by the stop, and the first of the next start, which begins with one attempt at a time
		w.restart()
		pass(time.Minute)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 50)
		for p := range gateway.Position(50) {
			if d := w.delivery(sub, p+1); d.Attempts != 1 || d.Step != 0 {
				t.Errorf("event %d: %d attempts, step %d", p+1, d.Attempts, d.Step)
			}
		}
	})
}

func TestRestartKeepsSchedules(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{RetrySchedule: []time.Duration{time.Hour, time.Hour}})
		e.set(always(eventFailure))
		w.publish("a")
		pass(time.Second)
		w.restart()
		pass(30 * time.Minute)
		equal(t, "attempts before it is due", len(e.ids()), 1)
		pass(time.Hour)
		equal(t, "attempts after", len(e.ids()), 2)
		equal(t, "step", w.delivery(sub, 1).Step, 2)
	})
}

func TestWatch(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		e.set(func(_ context.Context, m *target.Message, nth int) gateway.Outcome {
			if nth == 0 {
				return eventFailure
			}
			return delivered
		})
		mine := w.engine.Watch(deliver.WatchFilter{Tenant: tenant, Subscription: sub.ID})
		one := w.engine.Watch(deliver.WatchFilter{Tenant: tenant, Position: 2})
		other := w.engine.Watch(deliver.WatchFilter{Tenant: tenant + 1})
		w.publish("a", "a")
		pass(time.Minute)
		var states []gateway.DeliveryState
		for range 3 {
			d := <-mine.Changes()
			equal(t, "named", d.EventID != "" && d.EventType == "a", true)
			states = append(states, d.State)
		}
		equalList(t, "changes", states, []gateway.DeliveryState{gateway.DeliveryRetrying, gateway.DeliveryDelivered, gateway.DeliveryDelivered})
		equal(t, "of one event", len(one.Changes()), 1)
		equal(t, "of another tenant", len(other.Changes()), 0)

		// A watcher that is too slow is closed; the others are not delayed.
		w.publishN(3000, "a")
		pass(time.Minute)
		n := 0
		for range mine.Changes() {
			n++
		}
		equal(t, "changes before it was let go", n, 1024)
		mine.Close()
		one.Close()
		one.Close()
		other.Close()
		if _, open := <-other.Changes(); open {
			t.Error("another tenant's change")
		}
	})
}
