package deliver_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// inBoundWorld is inWorld with a limit of the attempts under way.
func inBoundWorld(t *testing.T, attempts int, test func(w *world)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.maxAttempts = attempts
		w.restart()
		test(w)
	})
}

func TestAttemptsTakeNoMoreSocketsThanThereAre(t *testing.T) {
	t.Parallel()
	inBoundWorld(t, 10, func(w *world) {
		var active, most atomic.Int64
		answer := func(ctx context.Context, _ *target.Message, _ int) gateway.Outcome {
			most.Store(max(most.Load(), active.Add(1)))
			defer active.Add(-1)
			time.Sleep(100 * time.Millisecond)
			return delivered
		}
		var subs []*gateway.Subscription
		for i := range 3 {
			sub, e := w.subscribe(fmt.Sprint("s", i), gateway.StartNow, gateway.Policy{Concurrency: 1024})
			e.set(answer)
			subs = append(subs, sub)
		}
		w.publishN(1000, "a")
		pass(time.Minute)
		equal(t, "most at once", most.Load(), 9) // the last turn is for another tenant
		for _, sub := range subs {
			equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 1000)
			equal(t, "attempts in the rate", w.health(sub).Attempts, 1000)
		}
	})
}

func TestEndpointsThatHangLeaveSocketsToTheOthers(t *testing.T) {
	t.Parallel()
	inBoundWorld(t, 10, func(w *world) {
		for i := range 5 {
			_, e := w.subscribe(fmt.Sprint("hanging", i), gateway.StartNow, gateway.Policy{Concurrency: 1024})
			e.set(func(ctx context.Context, _ *target.Message, _ int) gateway.Outcome {
				time.Sleep(15 * time.Second)
				return endpointFailure
			})
		}
		w.publishN(100, "a")
		pass(time.Second)
		healthy, _ := w.subscribe("healthy", gateway.StartNow, gateway.Policy{})
		w.publishN(100, "a")
		pass(16 * time.Second)
		equal(t, "delivered after one attempt of the others", w.states(healthy)[gateway.DeliveryDelivered], 100)
	})
}

// Endpoints that took 5 s each had all turns at once, and released them at once. Every other endpoint waited for 5 s.
func TestSlowEndpointsLeaveSocketsFree(t *testing.T) {
	t.Parallel()
	inBoundWorld(t, 40, func(w *world) {
		var slow []*gateway.Subscription
		for i := range 3 {
			sub, e := w.subscribe(fmt.Sprint("slow", i), gateway.StartNow, gateway.Policy{Concurrency: 1024}, "slow")
			e.set(func(context.Context, *target.Message, int) gateway.Outcome {
				time.Sleep(5 * time.Second)
				return delivered
			})
			slow = append(slow, sub)
		}
		healthy, _ := w.subscribe("healthy", gateway.StartNow, gateway.Policy{Concurrency: 1}, "a")
		w.publishN(100, "slow")
		pass(time.Second)
		for range 10 {
			w.publish("a")
			pass(0)
		}
		equal(t, "delivered by another one meanwhile", w.states(healthy)[gateway.DeliveryDelivered], 10)
		pass(2 * time.Minute)
		for _, sub := range slow {
			equal(t, "delivered by the slow ones", w.states(sub)[gateway.DeliveryDelivered], 100)
		}
	})
}

func TestNoSocketIsNoFailureOfTheEndpoint(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 64})
		e.set(always(gateway.Outcome{NoSocket: true, Error: "no socket free"}))
		w.publishN(64, "a")
		pass(time.Hour)
		health := w.health(sub)
		equal(t, "breaker", health.Breaker, gateway.BreakerClosed)
		equal(t, "attempts", health.Attempts, 0)
		e.set(always(delivered))
		pass(2 * time.Second)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 64)
		d := w.delivery(sub, 1)
		equal(t, "attempts of one", d.Attempts, 1)
		equal(t, "steps of one", d.Step, 0)
		if age := time.Since(d.Last.Start); age > 3*time.Second {
			t.Errorf("the attempt is signed for %v ago", age)
		}
	})
}

func TestATurnThatIsNotUsedGoesOn(t *testing.T) {
	t.Parallel()
	inBoundWorld(t, 1, func(w *world) {
		var subs []*gateway.Subscription
		for i := range 20 {
			sub, e := w.subscribe(fmt.Sprint("s", i), gateway.StartNow, gateway.Policy{})
			e.set(func(context.Context, *target.Message, int) gateway.Outcome {
				time.Sleep(time.Second)
				return delivered
			})
			subs = append(subs, sub)
		}
		w.publish("a")
		pass(500 * time.Millisecond)
		// Half of the waiting lanes no longer have anything to send.
		for _, sub := range subs[10:] {
			if _, err := w.engine.Pause(w.ctx, sub.ID); err != nil {
				t.Fatal(err)
			}
		}
		pass(30 * time.Second)
		for _, sub := range subs[:10] {
			equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 1)
		}
	})
}

// A hundred events of 1 MB that an endpoint read without responding took 300 MB. Attempts under way hold at most the room,
// and a tenant leaves some of it to the others, as with sockets.
func TestAttemptsHoldNoMoreThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	large := `{"text":"` + strings.Repeat("x", 1_000_000) + `"}`
	inBoundWorld(t, 100, func(w *world) {
		w.room = 32 << 20 // an event takes 3 MB
		w.restart()
		var active, most atomic.Int64
		slow := func(context.Context, *target.Message, int) gateway.Outcome {
			most.Store(max(most.Load(), active.Add(1)))
			defer active.Add(-1)
			time.Sleep(5 * time.Second)
			return delivered
		}
		var subs []*gateway.Subscription
		for i := range 2 {
			sub, e := w.subscribe(fmt.Sprint("slow", i), gateway.StartNow, gateway.Policy{Concurrency: 1024}, "large")
			e.set(slow)
			subs = append(subs, sub)
		}
		healthy, _ := w.subscribe("healthy", gateway.StartNow, gateway.Policy{Concurrency: 1}, "a")
		for range 20 {
			w.publishData("large", large)
		}
		pass(time.Second)
		for range 10 {
			w.publish("a")
			pass(0)
		}
		equal(t, "delivered by another one meanwhile", w.states(healthy)[gateway.DeliveryDelivered], 10)
		pass(2 * time.Minute)
		if got := most.Load(); got > 9 || got < 3 {
			t.Errorf("%d large events were sent at once, want what fits into the room", got)
		}
		for _, sub := range subs {
			equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 20)
		}
	})
}

// An event that takes more than the whole room is sent when nothing else is.
func TestAnEventThatNeedsMoreThanThereIsRoomForIsDelivered(t *testing.T) {
	t.Parallel()
	inBoundWorld(t, 100, func(w *world) {
		w.room = 1 << 20
		w.restart()
		sub, _ := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 10})
		for range 5 {
			w.publishData("large", `{"text":"`+strings.Repeat("x", 1_000_000)+`"}`)
			w.publish("a")
		}
		pass(time.Minute)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 10)
	})
}

// Two hundred large events whose retries were due together were read at once.
func TestLargeRetriesThatAreDueAreReadAFewAtATime(t *testing.T) {
	t.Parallel()
	inBoundWorld(t, 100, func(w *world) {
		w.room = 32 << 20
		w.restart()
		var down atomic.Bool
		down.Store(true)
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 100})
		e.set(func(context.Context, *target.Message, int) gateway.Outcome {
			if down.Load() {
				return eventFailure
			}
			return delivered
		})
		for range 12 {
			w.publishData("large", `{"text":"`+strings.Repeat("x", 1_000_000)+`"}`)
		}
		pass(time.Second)
		down.Store(false)
		pass(12 * time.Hour)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 12)
	})
}
