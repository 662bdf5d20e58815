package deliver

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/match"
)

// Bounds of what the router reads at once.
const (
	routeEvents = 1024
	routeBytes  = 4 << 20
)

// router reads every event once and pushes it to the lanes that have caught up and select it. All other lanes read the log themselves
// until they have caught up (feed.go).
//
// Locks are taken in the order router.mu, lane.mu, mark.mu.
type router struct {
	engine *Engine
	// reached is the position up to which every fed lane has got its events. It only grows, and is updated after the lanes
	// have got them.
	reached atomic.Int64

	// mu also guards the index.
	mu    sync.Mutex
	index *match.Index[*lane]
	// touched holds the lanes that select events of the current batch. leaving holds the lanes that must read by themselves,
	// because the router does not wait for their expressions.
	touched, leaving []*lane
}

func newRouter(e *Engine) *router {
	r := &router{engine: e}
	r.index = match.New(&r.mu, e.filters, (*lane).costly)
	return r
}

func (r *router) position() gateway.Position { return gateway.Position(r.reached.Load()) }

func (r *router) run(ctx context.Context) {
	for ctx.Err() == nil {
		events, err := r.next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.engine.logger.Error("read the log", "after", r.position(), "error", err)
				wait(ctx, time.Second)
			}
			continue
		}
		r.route(ctx, events)
	}
}

// next waits for the next events of all tenants.
func (r *router) next(ctx context.Context) ([]*gateway.Event, error) {
	for {
		after := r.position()
		events, ok := r.engine.tail.After(after, routeEvents)
		if !ok {
			return r.engine.store.ReadAfter(ctx, after, routeEvents, routeBytes)
		}
		if len(events) > 0 {
			return events, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.engine.tail.Wait(after):
		}
	}
}

// route gives events to the lanes.
func (r *router) route(ctx context.Context, events []*gateway.Event) {
	for len(events) > 0 {
		batch := r.index.Ask(events)
		r.routeBatch(ctx, batch)
		r.index.Done()
		events = events[len(batch):]
	}
}

func (r *router) routeBatch(ctx context.Context, events []*gateway.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, event := range events {
		r.sort(i, event)
	}
	for _, l := range r.touched {
		if !l.push(ctx, l.routed) {
			r.drop(l)
		}
		clear(l.routed)
		l.routed = l.routed[:0]
	}
	clear(r.touched)
	r.touched = r.touched[:0]
	for _, l := range r.leaving {
		r.drop(l)
	}
	clear(r.leaving)
	r.leaving = r.leaving[:0]
	r.reached.Store(int64(events[len(events)-1].Position))
	for _, m := range r.engine.marks {
		m.passed()
	}
}

// sort puts an event, the i-th of the batch, on the list of each lane that selects it.
func (r *router) sort(i int, event *gateway.Event) {
	var o *outgoing
	for _, entry := range r.index.Find(event) {
		l := entry.Owner
		if n := len(l.routed); n > 0 && l.routed[n-1].Event == event {
			continue // two of its patterns select the event
		}
		if !r.chosen(l, event, r.index.Answer(i, entry)) {
			continue
		}
		if o == nil {
			o = &outgoing{Event: event}
		}
		if len(l.routed) == 0 {
			r.touched = append(r.touched, l)
		}
		l.routed = append(l.routed, o)
	}
}

// chosen reports whether a lane selects an event. A lane whose expression was not evaluated leaves the router.
func (r *router) chosen(l *lane, event *gateway.Event, answer match.Answer) bool {
	switch answer.Result {
	case match.Selected:
		return true
	case match.Passed:
		if answer.Err != nil {
			l.failures.note(event, answer.Err)
		}
		return false
	case match.Slow, match.Spent:
		l.takesLong()
	}
	r.leave(l)
	return false
}

// leave makes a lane read by itself, beginning with the current batch.
func (r *router) leave(l *lane) {
	if slices.Contains(r.leaving, l) {
		return
	}
	r.leaving = append(r.leaving, l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopFeedLocked()
	l.dispatchLocked(time.Now())
}

// drop removes a lane from the index. The caller holds r.mu.
func (r *router) drop(l *lane) {
	if l.entry != nil {
		r.index.Remove(l.entry)
		l.entry = nil
	}
}

// admit adds a lane to the index with its current filter. The caller holds r.mu and the lane's lock.
func (r *router) admit(l *lane) {
	r.drop(l)
	l.entry = r.index.Add(l.tenant, l.sub.Filter, l.expression, l)
}

// feed makes the router push events to a lane from now on, if the lane has read everything that the router has pushed. It
// holds both locks, so no event is lost or repeated.
func (r *router) feed(l *lane) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mayBeFedLocked() || l.intake.scan < r.position() {
		return false
	}
	r.admit(l)
	l.intake.fed = true
	l.updateLowLocked()
	l.tryShareLocked()
	return true
}

// wait sleeps for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
