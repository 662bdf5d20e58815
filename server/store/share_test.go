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

// burst is the number of results that come at once, as when a thousand endpoints die.
const burst = 3000

// crowded is a store whose writer does not run yet. Events, a burst of results and a change are queued.
type crowded struct {
	*store.Store
	t *testing.T
	// events, results and changed show what is stored.
	events  int
	results atomic.Int64
	changed atomic.Bool
	changes chan struct{}
}

// newCrowded makes a crowded store in which results, changes or both have used up their share.
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

// publishWhile runs the writer and queues the next event at each commit while more returns true, so that a publisher is
// always waiting. It returns when everything is stored.
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
	stop() // What is queued is still stored.
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

// With a thousand dead endpoints publishers waited 100 ms and longer behind results.
func TestResultsAndChangesWaitForAppendsOnceTheirShareIsUsedUp(t *testing.T) {
	t.Parallel()
	// In a bubble the writer's work takes no time, so no account earns any.
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
