package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// burst is how many results come at once, as when a thousand endpoints die.
const burst = 3000

// crowded is a store with events, a burst of results and a change in the queue, whose writer does not run yet.
type crowded struct {
	*store.Store
	t *testing.T
	// events, results and changed tell what is stored.
	events  int
	results atomic.Int64
	changed atomic.Bool
	changes chan struct{}
}

// newCrowded makes a store where results, and changes, may have used up their share.
func newCrowded(t *testing.T, resultsOverdrawn, changesOverdrawn bool) *crowded {
	t.Helper()
	s, err := store.OpenOverdrawn(context.Background(), freshSQLite(t), resultsOverdrawn, changesOverdrawn)
	if err != nil {
		t.Fatal(err)
	}
	c := &crowded{Store: s, t: t, changes: make(chan struct{})}
	for i := range burst {
		d := &gateway.Delivery{
			DeliveryKey: gateway.DeliveryKey{Subscription: 1, Position: gateway.Position(i + 1)}, Tenant: 1,
			State: gateway.DeliveryDelivered, CreateTime: time.Now(), UpdateTime: time.Now(),
		}
		s.Record(store.Result{Delivery: d, Committed: func() { c.results.Add(1) }})
	}
	go func() {
		defer close(c.changes)
		if _, err := s.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}); err != nil {
			t.Error(err)
		}
		c.changed.Store(true)
	}()
	return c
}

func (c *crowded) queueEvent() {
	e := &gateway.Event{Tenant: 1, ID: fmt.Sprint("evt_", c.events), Type: "a", Source: "test", Time: time.Now(), Data: []byte("{}")}
	if err := c.QueueAppend(store.NewEvent{Event: e}); err != nil {
		c.t.Error(err)
	}
}

// publishWhile runs the writer and has the next event wait with each commit as long as more says so: some publisher waits
// all the time. It returns when everything is stored.
func (c *crowded) publishWhile(more func() bool) {
	c.t.Helper()
	c.OnCommit(func(events []*gateway.Event) {
		if c.events += len(events); more() {
			c.queueEvent()
		}
	})
	c.queueEvent()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	<-c.changes
	stop() // What is queued is stored all the same.
	if err := <-ended; err != nil {
		c.t.Error(err)
	}
	if n := c.results.Load(); n != burst {
		c.t.Errorf("%d results are stored of %d", n, burst)
	}
	if err := c.Close(); err != nil {
		c.t.Error(err)
	}
}

// With a thousand dead endpoints publishers waited for 100 ms and more behind results.
func TestResultsAndChangesWaitForAppendsOnceTheirShareIsUsedUp(t *testing.T) {
	t.Parallel()
	// In a bubble the writer's work takes no time, so nobody earns any.
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t, true, true)
		synctest.Wait()
		c.publishWhile(func() bool {
			if n := c.results.Load(); n > 0 || c.changed.Load() {
				t.Errorf("%d results and the change (%v) went before event %d", n, c.changed.Load(), c.events+1)
			}
			return c.events < 20
		})
		if c.events != 20 {
			t.Errorf("%d events are stored, want 20", c.events)
		}
	})
}

func TestBurstOfResultsDoesNotKeepChangesWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t, true, false)
		synctest.Wait()
		c.publishWhile(func() bool {
			synctest.Wait()
			return !c.changed.Load() && c.events < 20
		})
		if c.events >= 20 {
			t.Error("the change waited for the results, which had used up their share")
		}
	})
}

func TestPublishersDoNotStarveResultsAndChanges(t *testing.T) {
	t.Parallel()
	c := newCrowded(t, false, false)
	const tooMany = 200_000
	c.publishWhile(func() bool { return (c.results.Load() < burst || !c.changed.Load()) && c.events < tooMany })
	if c.events >= tooMany {
		t.Errorf("%d events went before %d results", tooMany, burst)
	}
	t.Logf("%d events went before and beside %d results and a change", c.events, burst)
}
