package deliver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Bounds of what the router takes at once.
const (
	routeEvents = 1024
	routeBytes  = 4 << 20
)

// router reads every event once and gives it to the caught-up lanes that select it. Everyone else reads for themselves
// (feed.go) and comes back.
//
// Locks are taken in the order router.mu, lane.mu, mark.mu.
type router struct {
	engine *Engine
	// reached is the position up to which every fed lane has been given its events. It only grows, and is stored after
	// the lanes were given theirs.
	reached atomic.Int64

	mu    sync.Mutex
	index index
	// touched are the lanes that the batch under way concerns.
	touched []*lane
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

// next waits for the next events, all tenants'.
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

func (r *router) route(ctx context.Context, events []*gateway.Event) {
	if len(events) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, event := range events {
		r.sort(event)
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
	r.reached.Store(int64(events[len(events)-1].Position))
	r.engine.mark.passed()
}

// sort puts an event on the list of each lane that selects it.
func (r *router) sort(event *gateway.Event) {
	var o *outgoing
	r.index.match(event, func(l *lane) {
		if n := len(l.routed); n > 0 && l.routed[n-1].Event == event {
			return
		}
		if o == nil {
			o = &outgoing{Event: event}
		}
		if len(l.routed) == 0 {
			r.touched = append(r.touched, l)
		}
		l.routed = append(l.routed, o)
	})
}

// drop takes a lane out of the index. r.mu is held.
func (r *router) drop(l *lane) {
	if l.indexed == nil {
		return
	}
	r.index.remove(l.tenant, *l.indexed, l)
	l.indexed = nil
}

// admit puts a lane into the index under its present filter. r.mu and l.mu are held.
func (r *router) admit(l *lane) {
	r.drop(l)
	filter := l.sub.Filter
	l.indexed = &filter
	r.index.add(l.tenant, filter, l)
}

// feed lets the router give a lane its events from now on, if the lane has looked at everything the router has given
// out. Both stand still meanwhile, so there is neither gap nor repeat.
func (r *router) feed(l *lane) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mayBeFed() || l.scan < r.position() {
		return false
	}
	r.admit(l)
	l.fed = true
	l.updateLow()
	l.tryShare()
	return true
}

// wait sleeps unless ctx ends before.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
