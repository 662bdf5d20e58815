package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// batcher is an endpoint that takes batches; each batch takes a second.
type batcher struct {
	*endpoint

	mu      sync.Mutex
	batches [][]string
	active  int
}

func (b *batcher) SendBatch(ctx context.Context, items []target.Item) []gateway.Outcome {
	b.mu.Lock()
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.Message.ID
	}
	b.batches = append(b.batches, ids)
	if b.active++; b.active > 1 {
		panic("two batches at once")
	}
	b.mu.Unlock()
	taking(time.Second)()
	outcomes := make([]gateway.Outcome, len(items))
	for i, item := range items {
		outcomes[i] = b.Send(ctx, item.Message, item.At)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active--
	return outcomes
}

func numbers(from, to int) (ids []string) {
	for n := from; n <= to; n++ {
		ids = append(ids, fmt.Sprint(n))
	}
	return ids
}

func TestBatchesKeepTheOrderOfTheLog(t *testing.T) {
	t.Parallel()
	for _, concurrency := range []int{1, 8} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: concurrency})
				b := &batcher{endpoint: e}
				w.targets["s"] = b
				w.publishN(100, "a")
				pass(10 * time.Minute)
				equalList(t, "received", e.ids(), numbers(1, 100))
				equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 100)
				longest := slices.MaxFunc(b.batches, func(x, y []string) int { return len(x) - len(y) })
				equal(t, "events share batches", len(longest) > 1, concurrency > 1)
				equal(t, "more than the concurrency in a batch", len(longest) > concurrency, false)
			})
		})
	}
}

func TestEachEventOfABatchHasItsOutcome(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 8})
		w.targets["s"] = &batcher{endpoint: e}
		e.set(func(_ context.Context, m *target.Message, _ int) gateway.Outcome {
			if m.ID == "20" && len(e.ids()) < 40 {
				return eventFailure
			}
			return delivered
		})
		w.publishN(40, "a")
		pass(4 * time.Second)
		pass(time.Minute)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 40)
		equal(t, "attempts at 20", w.delivery(sub, 20).Attempts, 2)
		equal(t, "attempts at 21", w.delivery(sub, 21).Attempts, 1)
	})
}

// If the payload of one event cannot be rendered, the events behind it do not wait.
func TestUnrenderedEventHoldsNoBatch(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.payload = func(event *gateway.Event, _ gateway.PayloadFormat) ([]byte, error) {
			if event.ID == "2" {
				return nil, fmt.Errorf("no schema")
			}
			return []byte(`{}`), nil
		}
		w.restart()
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 8})
		w.targets["s"] = &batcher{endpoint: e}
		w.publishN(20, "a")
		pass(2 * time.Minute)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 19)
		equal(t, "outcome of the other", w.delivery(sub, 2).Last.Outcome.Kind, gateway.OutcomeEventFailure)
	})
}

func TestTargetIsClosedAfterItsLastAttempt(t *testing.T) {
	t.Parallel()
	hour := gateway.Policy{Concurrency: 4, Timeout: time.Hour}
	for _, c := range []struct {
		name string
		end  func(w *world, sub *gateway.Subscription)
	}{
		{"a new revision", func(w *world, sub *gateway.Subscription) {
			w.endpoint("other")
			_, _, err := w.engine.Update(w.ctx, sub.ID, 0, func(s *gateway.Subscription) error {
				s.TargetConfig = []byte("other")
				return nil
			})
			if err != nil {
				w.t.Fatal(err)
			}
		}},
		{"the engine stops", func(w *world, _ *gateway.Subscription) { w.stopEngine() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				sub, e := w.subscribe("s", gateway.StartNow, hour)
				release := make(chan struct{})
				e.set(func(context.Context, *target.Message, int) gateway.Outcome { <-release; return delivered })
				w.publish("a")
				pass(time.Second)
				c.end(w, sub)
				pass(time.Second)
				equal(t, "closed under an attempt", e.timesClosed(), 0)
				close(release)
				pass(time.Second)
				equal(t, "closed", e.timesClosed(), 1)
			})
		})
	}
}

func TestDeletedSubscriptionClosesItsTarget(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{})
		w.publish("a")
		pass(time.Second)
		equal(t, "closed between attempts", e.timesClosed(), 0)
		if err := w.engine.Delete(w.ctx, sub.ID, 0); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		equal(t, "closed", e.timesClosed(), 1)
	})
}

func TestTestClosesItsTarget(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{})
		if _, err := w.engine.Test(w.ctx, w.stored(sub), nil); err != nil {
			t.Fatal(err)
		}
		equal(t, "closed", e.timesClosed(), 1)
	})
}

// Events that wait for a connection are sent before later ones, with the time at which they are sent.
func TestEventsWithoutAConnectionKeepTheirOrder(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 8})
		w.targets["s"] = &batcher{endpoint: e}
		free := time.Now().Add(10 * time.Second)
		e.set(func(context.Context, *target.Message, int) gateway.Outcome {
			if time.Now().Before(free) {
				return gateway.Outcome{NoSocket: true, Error: "no connection free"}
			}
			return delivered
		})
		w.publishN(60, "a")
		pass(10 * time.Minute)
		var arrived []string
		for _, r := range e.received() {
			if r.kind == gateway.OutcomeDelivered {
				arrived = append(arrived, r.id)
			}
		}
		equalList(t, "arrived", arrived, numbers(1, 60))
		d := w.delivery(sub, 1)
		equal(t, "attempts at the first", d.Attempts, 1)
		equal(t, "signed when it was sent", d.Last.Start.Before(free.Add(-time.Second)), false)
	})
}

// A subscription that finds no connection for as long as an attempt may take pauses, which is no failure, and goes on where it stopped.
func TestASubscriptionWithoutAConnectionPauses(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{Concurrency: 8, Timeout: 5 * time.Second})
		w.targets["s"] = &batcher{endpoint: e}
		e.set(func(_ context.Context, m *target.Message, nth int) gateway.Outcome {
			if nth < 40 || nth%7 == 0 {
				return gateway.Outcome{NoSocket: true, Error: "no connection free"}
			}
			return delivered
		})
		w.publishN(30, "a")
		pass(8 * time.Second)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerHolding)
		pass(time.Hour)
		equal(t, "delivered", w.states(sub)[gateway.DeliveryDelivered], 30)
		equal(t, "breaker at the end", w.health(sub).Breaker, gateway.BreakerClosed)
		equal(t, "steps of the first", w.delivery(sub, 1).Step, 0)
	})
}
