package deliver_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// BenchmarkDrain delivers a stored backlog to endpoints that respond at once, which leaves the cost of the engine and the
// store.
func BenchmarkDrain(b *testing.B) {
	for _, c := range []struct{ subscriptions, slots int }{{1, 32}, {1, 256}, {8, 32}} {
		b.Run(fmt.Sprintf("subscriptions=%d/slots=%d", c.subscriptions, c.slots), func(b *testing.B) {
			w := newWorld(b)
			w.start()
			defer w.stop()
			events := b.N/c.subscriptions + 1
			for left := events; left > 0; left -= 1000 {
				w.publishN(min(left, 1000), "a")
			}
			var count atomic.Int64
			done := make(chan struct{})
			want := int64(events * c.subscriptions)
			b.ReportAllocs()
			b.ResetTimer()
			began := time.Now()
			for i := range c.subscriptions {
				name := fmt.Sprint("s", i)
				e := &counter{count: &count, want: want, done: done}
				w.targets[name] = e
				if _, err := w.engine.Create(w.ctx, &gateway.Subscription{
					Tenant: tenant, Name: name, TargetType: "fake", TargetConfig: []byte(name), Policy: gateway.Policy{Concurrency: c.slots},
				}, gateway.Start{Kind: gateway.StartEarliest}); err != nil {
					b.Fatal(err)
				}
			}
			<-done
			b.ReportMetric(float64(want)/time.Since(began).Seconds(), "deliveries/s")
		})
	}
}

// counter delivers and counts.
type counter struct {
	count *atomic.Int64
	want  int64
	done  chan struct{}
}

func (*counter) Close() {}

func (c *counter) Send(context.Context, *target.Message, time.Time) gateway.Outcome {
	if c.count.Add(1) == c.want {
		close(c.done)
	}
	return gateway.Outcome{Kind: gateway.OutcomeDelivered, Status: 200}
}

// BenchmarkHealths reads the health of a thousand subscriptions that wait while events arrive, as an open page does.
func BenchmarkHealths(b *testing.B) {
	w := newWorld(b)
	w.start()
	defer w.stop()
	var subs []*gateway.Subscription
	for i := range 1000 {
		name := fmt.Sprint("s", i)
		w.targets[name] = &counter{done: make(chan struct{}), want: 1 << 60}
		sub, err := w.engine.Create(w.ctx, &gateway.Subscription{
			Tenant: tenant, Name: name, TargetType: "fake", TargetConfig: []byte(name), Filter: gateway.Filter{Types: []string{"a", "b", "c.*"}},
		}, gateway.Start{Kind: gateway.StartNow})
		if err != nil {
			b.Fatal(err)
		}
		if sub, err = w.engine.Pause(w.ctx, sub.ID); err != nil {
			b.Fatal(err)
		}
		subs = append(subs, sub)
	}
	w.publishN(1000, "a")
	w.publishN(10, "b")
	w.publishN(10, "c.d")
	if _, err := w.engine.Healths(w.ctx, subs); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	var took time.Duration
	for b.Loop() {
		w.publishN(10, "a")
		began := time.Now()
		if _, err := w.engine.Healths(w.ctx, subs); err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
	}
	b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms/list")
}
