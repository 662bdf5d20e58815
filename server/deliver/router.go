package deliver

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Bounds of what the router takes at once.
const (
	routeEvents = 1024
	routeBytes  = 4 << 20
	// expressionBatch is the same where expressions are asked.
	expressionBatch = 64
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

	mu    sync.Mutex
	index index
	// asking is how many lanes in the index have an expression.
	asking int
	// touched are the lanes that the batch under way concerns, leaving those that have to read on by themselves because
	// their expressions take too long here: nobody waits for another's.
	touched, leaving []*lane
	// slow are the expressions that took too long with the batch under way, spent is what those of a tenant took. Only
	// route uses them.
	slow  map[asked]bool
	spent map[gateway.TenantID]time.Duration

	// subjects are the events of the batch under way as expressions see them, where one was asked. Only route uses it.
	subjects []*filter.Subject
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

// route gives events to the lanes, in batches where expressions are to be asked, whose answers are kept for a batch.
func (r *router) route(ctx context.Context, events []*gateway.Event) {
	for len(events) > 0 {
		batch := events[:min(len(events), expressionBatch)]
		if !r.evaluate(batch) {
			batch = events
		}
		r.routeBatch(ctx, batch)
		clear(r.subjects)
		clear(r.slow)
		clear(r.spent)
		events = events[len(batch):]
	}
}

// evaluate asks the expressions of the lanes whose patterns select an event of the batch, while nobody has to wait for
// it: the lock is held to find them, and not while they are evaluated. It returns false when no lane has any.
func (r *router) evaluate(batch []*gateway.Event) bool {
	type question struct {
		of         int
		expression *filter.Expression
	}
	var questions []question
	r.mu.Lock()
	if r.asking == 0 {
		r.mu.Unlock()
		return false
	}
	for i, event := range batch {
		first := len(questions)
		r.index.match(event, func(l *lane) {
			q := question{i, l.selects}
			if l.selects != nil && !slices.Contains(questions[first:], q) {
				questions = append(questions, q)
			}
		})
	}
	r.mu.Unlock()
	for _, q := range questions {
		r.ask(q.expression, r.subject(q.of, batch[q.of]))
	}
	return true
}

// tenantTime is what the expressions of a tenant may take of the router with a batch.
const tenantTime = 5 * time.Millisecond

// asked is an expression of a tenant.
type asked struct {
	tenant     gateway.TenantID
	expression *filter.Expression
}

// ask evaluates an expression ahead of time, unless that takes too long, or all of its tenant's together do.
func (r *router) ask(expression *filter.Expression, subject *filter.Subject) {
	key := asked{subject.Event().Tenant, expression}
	if r.slow[key] {
		return
	}
	began := time.Now()
	_, ok := expression.Quick(subject)
	r.spent[key.tenant] += time.Since(began)
	if !ok || r.spent[key.tenant] > tenantTime {
		r.slow[key] = true
	}
}

// subject returns an event of the batch in the form that expressions evaluate.
func (r *router) subject(i int, event *gateway.Event) *filter.Subject {
	if r.subjects == nil {
		r.subjects = make([]*filter.Subject, routeEvents)
	}
	if r.subjects[i] == nil {
		r.subjects[i] = r.engine.filters.Subject(event)
	}
	return r.subjects[i]
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

// sort puts an event, the i-th of the batch, on the list of each lane that selects it. One whose expression says no is
// passed over like one whose patterns do.
func (r *router) sort(i int, event *gateway.Event) {
	var o *outgoing
	r.index.match(event, func(l *lane) {
		if n := len(l.routed); n > 0 && l.routed[n-1].Event == event {
			return
		}
		if l.selects != nil && !r.chosen(l, r.subject(i, event)) {
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

// chosen reports whether a lane's expression selects an event. The result is known already, unless the lane was just added
// or the expression is too slow; in these cases the lane leaves the router.
func (r *router) chosen(l *lane, subject *filter.Subject) bool {
	if slices.Contains(r.leaving, l) {
		return false
	}
	if !r.slow[asked{l.tenant, l.selects}] {
		if chosen, ok := l.quickly(l.selects, subject); ok {
			return chosen
		}
	}
	l.takesLong()
	r.leaving = append(r.leaving, l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopFeed()
	l.dispatch(time.Now())
	return false
}

// drop takes a lane out of the index. r.mu is held.
func (r *router) drop(l *lane) {
	if l.indexed == nil {
		return
	}
	r.index.remove(l.tenant, *l.indexed, l)
	if l.selects != nil {
		r.asking--
	}
	l.indexed, l.selects = nil, nil
}

// admit puts a lane into the index under its present filter. r.mu and l.mu are held.
func (r *router) admit(l *lane) {
	r.drop(l)
	indexed := l.sub.Filter
	l.indexed, l.selects = &indexed, l.expression
	r.index.add(l.tenant, indexed, l)
	if l.selects != nil {
		r.asking++
	}
}

// feed lets the router push events to a lane from now on, if the lane has read everything that the router has pushed. Both are
// locked meanwhile, so there is neither a gap nor a repeat.
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
