package deliver_test

import (
	"context"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

func TestFailuresSinceTheLastSuccessSurviveARestart(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{RetrySchedule: []time.Duration{time.Hour, time.Hour}})
		w.publish("a")
		pass(time.Second)
		health := w.health(sub)
		equal(t, "failing after a success", health.FailingSince, time.Time{})
		succeeded := health.LastSuccessTime

		e.set(always(eventFailure))
		pass(time.Minute)
		began := time.Now()
		w.publishN(3, "a")
		pass(time.Minute)
		for _, name := range []string{"before the restart", "after it"} {
			health = w.health(sub)
			equal(t, "failing since, "+name, health.FailingSince.Equal(began), true)
			equal(t, "kind, "+name, health.LastFailure.Kind, gateway.FailureRefused)
			equal(t, "status, "+name, health.LastFailure.Status, 400)
			equal(t, "error, "+name, health.LastError, "event failure")
			w.restart()
		}

		e.set(always(delivered))
		w.publish("a")
		pass(time.Second)
		health = w.health(sub)
		equal(t, "failing after another success", health.FailingSince, time.Time{})
		equal(t, "newer success", health.LastSuccessTime.After(succeeded), true)
		w.restart()
		after := w.health(sub)
		equal(t, "failing after another restart", after.FailingSince, time.Time{})
		equal(t, "last success after another restart", after.LastSuccessTime.Equal(health.LastSuccessTime), true)
		equal(t, "stored state", w.stored(sub).Failing, gateway.Failing{})
	})
}

func TestRecentAttemptsAreTheNewestTwenty(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1, RetrySchedule: []time.Duration{time.Hour}})
		e.set(func(_ context.Context, _ *target.Message, nth int) gateway.Outcome {
			if nth%2 == 0 {
				return eventFailure
			}
			return delivered
		})
		w.publishN(3, "a")
		pass(time.Second)
		health := w.health(sub)
		equal(t, "attempts", health.RecentAttempts, 3)
		equal(t, "failures", health.RecentFailures, 2)
		equal(t, "failures since the last success", health.FailuresSince, 1)
		w.publishN(50, "a")
		pass(time.Second)
		health = w.health(sub)
		equal(t, "attempts of many", health.RecentAttempts, gateway.RecentAttempts)
		equal(t, "failures of many", health.RecentFailures, gateway.RecentAttempts/2)
		e.set(always(delivered))
		w.publishN(gateway.RecentAttempts, "a")
		pass(time.Second)
		equal(t, "failures after as many successes", w.health(sub).RecentFailures, 0)
		equal(t, "the last failure is still known", w.health(sub).LastFailure.Status, 400)
	})
}

// The newest delivery may still wait after a failure, although an older one has succeeded since.
func TestFailuresThatAreOverStayOverAfterARestart(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{RetrySchedule: []time.Duration{time.Hour}})
		e.set(always(eventFailure))
		w.publish("a")
		pass(30 * time.Minute)
		w.publish("a")
		pass(10 * time.Minute)
		e.set(always(delivered))
		pass(35 * time.Minute) // The first is retried after 48 to 72 minutes, the second after 78 at least.
		equal(t, "failing after the success", w.health(sub).FailingSince, time.Time{})
		w.restart()
		equal(t, "failing after the restart", w.health(sub).FailingSince, time.Time{})
	})
}

func TestAnotherTargetHasNotFailed(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{RetrySchedule: []time.Duration{time.Hour}})
		e.set(always(eventFailure))
		w.publishN(3, "a")
		pass(time.Second)
		equal(t, "failing", w.health(sub).FailingSince.IsZero(), false)
		w.endpoint("other").set(swallow)
		_, _, err := w.engine.Update(w.ctx, sub.ID, 0, func(s *gateway.Subscription) error {
			s.TargetConfig = []byte("other")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		health := w.health(sub)
		equal(t, "failing with another target", health.FailingSince, time.Time{})
		equal(t, "recent attempts", health.RecentAttempts, 0)
		equal(t, "stored state", w.stored(sub).Failing, gateway.Failing{})
	})
}

func TestThatASubscriptionHasDeliveredIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, _ := w.subscribe("s", gateway.StartNow, gateway.Policy{})
		idle, _ := w.subscribe("idle", gateway.StartNow, gateway.Policy{}, "never")
		w.publish("a")
		pass(time.Second)
		w.restart()
		equal(t, "success is known", w.health(sub).LastSuccessTime.IsZero(), false)
		equal(t, "success of an idle one", w.health(idle).LastSuccessTime.IsZero(), true)
	})
}
