package deliver_test

import (
	"context"
	"fmt"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// taking returns a function that takes a time.
func taking(d time.Duration) func() { return func() { time.Sleep(d) } }

// failing creates subscriptions whose endpoint waits and then fails. peak returns the most attempts that were under way at
// once since its last call.
func (w *world) failing(n int, wait func()) (peak func() int64) {
	w.t.Helper()
	var active, most atomic.Int64
	for i := range n {
		_, e := w.subscribe(fmt.Sprintf("dead-%d", i), gateway.StartNow, gateway.Policy{Concurrency: 4}, "a")
		e.set(func(context.Context, *target.Message, int) gateway.Outcome {
			now := active.Add(1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			wait()
			active.Add(-1)
			return endpointFailure
		})
	}
	return func() int64 { return most.Swap(active.Load()) }
}

// A thousand dead endpoints were all tried at once with each event, and all probed at once five seconds later. Healthy
// endpoints and publishers waited for 100 ms and longer.
func TestDeadEndpointsAreTriedAFewAtATime(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		peak := w.failing(100, taking(10*time.Millisecond))
		w.publishN(10, "a")
		pass(8 * time.Millisecond)
		equal(t, "first attempts at once, when nobody is known to be dead", peak(), 100)
		pass(12 * time.Millisecond)
		peak()
		pass(4 * time.Second)
		equal(t, "attempts at once while they fail", peak(), 4)
		pass(3 * time.Second)
		equal(t, "probes at once", peak(), 4)
	})
}

// A lane that waited for its permit to probe and had a due row woke itself again and again, as fast as it could. A thousand
// of them took a whole processor, and every publisher waited for seconds. A lane wakes on a goroutine of its own, and the
// test counts all goroutines of the process, so it is not parallel.
func TestALaneThatWaitsToProbeSleeps(t *testing.T) {
	inWorld(t, func(w *world) {
		peak := w.failing(100, taking(10*time.Millisecond))
		for range gateway.EndpointFailuresToOpen {
			w.publish("a")
			pass(300 * time.Millisecond)
		}
		peak()
		before := goroutinesCreated()
		pass(gateway.FirstProbeWait)
		equal(t, "probes at once", peak(), 4)
		if n := goroutinesCreated() - before; n > 10_000 {
			t.Errorf("%d goroutines were made for 100 lanes", n)
		}
	})
}

func goroutinesCreated() uint64 {
	sample := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestHealthyEndpointNeedsNotWaitForDeadOnes(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		peak := w.failing(100, taking(10*time.Millisecond))
		w.publishN(10, "a")
		pass(30 * time.Millisecond)
		if peak() < 4 {
			t.Error("the dead ones do not take all there is for them")
		}
		_, healthy := w.subscribe("healthy", gateway.StartNow, gateway.Policy{}, "b")
		w.publish("b")
		pass(0)
		equal(t, "attempts at the healthy one", len(healthy.received()), 1)
	})
}

// An endpoint that fails once does not wait behind hundreds that are probed, and those do not wait for ever.
func TestWhoFailsOnceGoesBeforeProbes(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		again := time.Now().Add(10 * time.Second)
		var probed atomic.Int64
		for i := range 400 {
			_, e := w.subscribe(fmt.Sprintf("slow-%d", i), gateway.StartNow, gateway.Policy{}, "a")
			e.set(func(_ context.Context, _ *target.Message, nth int) gateway.Outcome {
				wait := time.Until(again)
				if nth > 0 {
					probed.Add(1)
					wait = time.Minute
				}
				return gateway.Outcome{Kind: gateway.OutcomeSlowDown, RetryAfter: wait}
			})
		}
		w.publish("a")
		pass(9 * time.Second)
		_, e := w.subscribe("flaky", gateway.StartNow, gateway.Policy{Concurrency: 1}, "b")
		e.set(func(_ context.Context, _ *target.Message, nth int) gateway.Outcome {
			if nth == 0 {
				return endpointFailure
			}
			return delivered
		})
		pass(1100 * time.Millisecond)
		w.publishN(2, "b")
		pass(100 * time.Millisecond)
		equal(t, "attempts at the one that has failed once", len(e.received()), 2)
		if n := probed.Load(); n < 10 || n > 100 {
			t.Errorf("%d endpoints are probed meanwhile, want some and not all", n)
		}
	})
}

// Nor does it wait behind all lanes of another tenant that have failed as few times.
func TestTenantsTakeTurnsInLine(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.failing(400, taking(10*time.Millisecond))
		acme, err := w.store.CreateTenant(w.ctx, gateway.Tenant{Name: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		e := w.endpoint("flaky")
		e.set(func(_ context.Context, _ *target.Message, nth int) gateway.Outcome {
			if nth == 0 {
				return endpointFailure
			}
			return delivered
		})
		if _, err := w.engine.Create(w.ctx, &gateway.Subscription{
			Tenant: acme.ID, Name: "flaky", Filter: gateway.Filter{Types: []string{"b"}}, TargetType: "fake", TargetConfig: []byte("flaky"),
			Policy: gateway.Policy{Concurrency: 1},
		}, gateway.Start{Kind: gateway.StartNow}); err != nil {
			t.Fatal(err)
		}
		w.publish("a", "a")
		pass(100 * time.Millisecond)
		w.publishFor(acme.ID, "b", "b")
		pass(200 * time.Millisecond)
		equal(t, "attempts at the one that has failed once", len(e.received()), 2)
	})
}

// A change of a subscription stores rows for its attempts under way. This once kept the permit of an attempt for ever: after
// four of them no endpoint that had failed was tried again.
func TestAChangeKeepsNoPermit(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("changed", gateway.StartNow, gateway.Policy{Concurrency: 1}, "a")
		wait := taking(100 * time.Millisecond)
		e.set(func(context.Context, *target.Message, int) gateway.Outcome {
			wait()
			return endpointFailure
		})
		w.publishN(30, "a")
		for range 300 {
			pass(5 * time.Millisecond)
			current := w.stored(sub)
			if _, _, err := w.engine.Update(w.ctx, sub.ID, current.Revision, func(*gateway.Subscription) error { return nil }); err != nil {
				t.Fatal(err)
			}
			if current.Revision%20 == 0 { // the breaker is closed, so the next events are tried
				if _, err := w.engine.Pause(w.ctx, sub.ID); err != nil {
					t.Fatal(err)
				}
				if _, err := w.engine.Resume(w.ctx, sub.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, other := w.subscribe("other", gateway.StartNow, gateway.Policy{Concurrency: 1}, "b")
		other.set(func(_ context.Context, _ *target.Message, nth int) gateway.Outcome {
			if nth == 0 {
				return endpointFailure
			}
			return delivered
		})
		w.publishN(2, "b")
		pass(time.Second)
		equal(t, "attempts at one that has failed once", len(other.received()), 2)
	})
}

// Endpoints that never respond hold a permit for a moment, not until the timeout.
func TestHangingEndpointsDoNotHoldOthersUp(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		peak := w.failing(100, taking(5*time.Second))
		w.publishN(10, "a")
		pass(5*time.Second + 500*time.Millisecond)
		equal(t, "second attempts at once", peak(), 100)
	})
}

func TestEndpointInDoubtGetsEverythingOnceItWorks(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		_, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 1}, "a")
		e.set(func(_ context.Context, _ *target.Message, nth int) gateway.Outcome {
			if nth < 2 {
				time.Sleep(time.Second)
				return endpointFailure
			}
			return delivered
		})
		first := w.publishN(100, "a")
		pass(time.Second + time.Millisecond)
		second := w.publishN(100, "a") // while it is in doubt
		pass(10 * time.Second)
		arrived := map[string]bool{}
		for _, id := range e.ids() {
			arrived[id] = true
		}
		for _, id := range append(first, second...) {
			if !arrived[id] {
				t.Fatalf("event %s did not arrive", id)
			}
		}
	})
}
