package deliver_test

import (
	"context"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// answerAlways returns the same outcome for every attempt of one event, and success for all other events.
func answerAlways(id string, o gateway.Outcome) func(context.Context, *target.Message, int) gateway.Outcome {
	return func(_ context.Context, m *target.Message, _ int) gateway.Outcome {
		if m.ID == id {
			return o
		}
		return delivered
	}
}

func count(ids []string, id string) (n int) {
	for _, one := range ids {
		if one == id {
			n++
		}
	}
	return n
}

func TestOneEventThatIsAlwaysAnswered429DoesNotStopItsSubscription(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 4})
		e.set(answerAlways("3", slowDown(0)))
		w.publishN(1, "a")
		pass(time.Second)
		w.publishN(200, "a")
		pass(40 * time.Second)
		equal(t, "delivered within a minute", w.states(sub)[gateway.DeliveryDelivered], 200)
		pass(28 * time.Minute)
		if n := count(e.ids(), "3"); n > 8 {
			t.Errorf("%d attempts in half an hour", n)
		}
		d := w.delivery(sub, 3)
		equal(t, "state", d.State, gateway.DeliveryRetrying)
		equal(t, "steps", d.Step, 0)
		health := w.health(sub)
		equal(t, "attempts in the rate", health.Attempts, 200)
		equal(t, "successes in the rate", health.Successes, 200)
		equal(t, "last error", health.LastError, "")
		pass(30 * 24 * time.Hour)
		equal(t, "state after a month", w.delivery(sub, 3).State, gateway.DeliveryRetrying)
		e.set(always(delivered))
		pass(48 * time.Hour)
		equal(t, "state in the end", w.delivery(sub, 3).State, gateway.DeliveryDelivered)
	})
}

func TestAnEndpointThatAnswers429ToEverythingIsAskedLessAndLess(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		e.set(always(slowDown(0)))
		w.publishN(100, "a")
		pass(time.Hour)
		if n := len(e.ids()); n > 20 {
			t.Errorf("%d attempts in an hour", n)
		}
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerHolding)
		equal(t, "dead", w.health(sub).Dead, 0)
		equal(t, "attempts in the rate", w.health(sub).Attempts, 0)
		e.set(always(delivered))
		pass(48 * time.Hour)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 100)
	})
}

func TestAHoldSurvivesARestart(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
		e.set(always(slowDown(time.Hour)))
		w.publishN(10, "a")
		pass(time.Minute)
		for range 3 {
			w.restart()
			pass(10 * time.Minute)
			equal(t, "attempts", len(e.ids()), 1)
			health := w.health(sub)
			equal(t, "breaker", health.Breaker, gateway.BreakerHolding)
			equal(t, "hold", health.Hold.Kind, gateway.HoldSlowDown)
			equal(t, "reason", health.Hold.Reason, "slow down")
		}
		e.set(always(delivered))
		pass(30 * time.Minute)
		equal(t, "delivered after it", w.states(sub)[gateway.DeliveryDelivered], 10)
		equal(t, "hold after it", w.health(sub).Hold, gateway.Hold{})
		equal(t, "stored hold", w.stored(sub).Hold, gateway.Hold{})
		w.restart()
		w.publish("a")
		pass(time.Second)
		equal(t, "delivered after another restart", w.states(sub)[gateway.DeliveryDelivered], 11)
	})
}

func TestAHoldEndsByResumeAndByAnotherTarget(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, sub *gateway.Subscription) error{
		"resume": func(w *world, sub *gateway.Subscription) error {
			_, err := w.engine.Resume(w.ctx, sub.ID)
			return err
		},
		"another target": func(w *world, sub *gateway.Subscription) error {
			w.endpoint("other")
			_, _, err := w.engine.Update(w.ctx, sub.ID, 0, func(s *gateway.Subscription) error {
				s.TargetConfig = []byte("other")
				return nil
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1})
				e.set(always(slowDown(time.Hour)))
				w.publishN(3, "a")
				pass(time.Second)
				e.set(always(delivered))
				w.restart()
				if err := end(w, sub); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
				equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 3)
				equal(t, "stored hold", w.stored(sub).Hold, gateway.Hold{})
			})
		})
	}
}
