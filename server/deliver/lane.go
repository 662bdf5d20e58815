package deliver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/match"
)

// lane delivers one subscription. It holds the queued events, the attempts under way, and the deliveries that wait for a later
// attempt. It has no goroutine of its own: each change of its state calls dispatch, which starts all attempts that may start.
//
//	fed      the router pushes events to it              ──queue full, held, paused──▶ reading
//	reading  it reads the log from scan at its own pace   ──has caught up with the router──▶ fed
//	shared   its position is the mark; otherwise it stores a cursor of its own (mark.go)
type lane struct {
	engine *Engine
	mark   *mark
	id     gateway.SubscriptionID
	tenant gateway.TenantID

	// admin is held during a change of the subscription, from before the store's transaction until the lane has adopted it.
	admin sync.Mutex

	// low is the lowest position that the mark must stay below; inShare reports whether the mark considers it.
	low     atomic.Int64
	inShare atomic.Bool

	// Owned by the router, under its lock: the entry in its index, and the lane's part of the batch under way.
	entry  *match.Entry[*lane]
	routed []*outgoing

	// counted caches the size of the backlog; the engine's counting guards it.
	counted backlogCount

	// failures are the events on which the expression failed. It has a lock of its own.
	failures filterFailures
	// costlyUntil is the time until which the lane reads by itself because its expression is slow; nil when it never was.
	costlyUntil atomic.Pointer[time.Time]

	mu  sync.Mutex
	sub *gateway.Subscription
	// expression is that of sub's filter; nil selects everything.
	expression *filter.Expression
	to         *destination
	// ctx ends attempts when the subscription is deleted; made with the first attempt.
	ctx    context.Context
	cancel context.CancelFunc
	// frozen: a change is being stored. removed: the subscription is gone.
	frozen, removed bool
	breaker         gateway.Breaker
	// held is the stored reason and time for which the lane makes no attempts (hold.go).
	held gateway.Hold

	fed, filling bool
	queue        queue
	// scan is the position up to which events are queued, dispatched or known not to be selected.
	scan gateway.Position
	// turn changes whenever scan moves back, so that a page that is being read is discarded.
	turn uint64
	// settled are the positions above the stored one that had a row at start; unsettled reports that they are not loaded yet.
	settled   map[gateway.Position]struct{}
	unsettled bool

	window window
	shared bool
	// cursor is the position stored last; sinceCursor counts results since then.
	cursor      gateway.Position
	sinceCursor int

	// busy are the rows of attempts until their outcome is committed; claims are rows that are being changed otherwise. Nobody else
	// may change these.
	busy   map[rowKey]*attempt
	claims map[rowKey]int
	// slots counts attempts until their outcome is committed (SEMANTICS rule 15).
	slots int
	// turns is the number of turns that the lane has; granted is one that it was given and has not used. Engine.turns guards both.
	turns   int
	granted bool
	// wants is the memory in bytes that the lane waits for; Engine.turns guards it.
	wants int64
	// queued: the lane waits for a turn. permitted: it already had the permit that its next attempt needs.
	queued, permitted bool
	probing           bool
	// searching: a delivery to probe with is being looked up; the lane keeps its permit meanwhile.
	searching bool
	// permit is one that no attempt has used yet. inLine reports that the lane waits for one; Engine.line guards it.
	permit *permit
	inLine bool
	// pendingTimer: a timer will store the first attempts that have been under way for long.
	pendingTimer bool
	// streak has the rows of the failures that count for the breaker, in case their steps are given back.
	streak map[gateway.Position]*gateway.Delivery

	retries retries
	timer   *time.Timer
	timerAt time.Time
	tally   *tally
}

// rowKey names a delivery of this lane.
type rowKey struct {
	position gateway.Position
	run      gateway.Run
}

func keyOf(d *gateway.Delivery) rowKey { return rowKey{d.Position, d.Run} }

// newLane makes a lane that begins at the subscription's place. The number of concurrent attempts starts at 1 and grows with each success, so
// that a thousand dead endpoints do not get their full concurrency at each start of the server.
func newLane(e *Engine, sub *gateway.Subscription) *lane {
	m := e.marks[sub.Group]
	place := sub.Place(m.position())
	l := &lane{
		engine: e, mark: m, id: sub.ID, tenant: sub.Tenant, sub: sub, to: newDestination(),
		expression: e.filters.Expression(sub.Filter.Expression),
		scan:       place, cursor: place, shared: sub.Cursor == nil,
		busy: map[rowKey]*attempt{}, claims: map[rowKey]int{},
	}
	l.low.Store(noLow)
	l.breaker.Reset()
	l.adoptHold(sub.Hold, time.Now())
	return l
}

// active reports whether the subscription is active and not set aside. l.mu is held.
func (l *lane) active() bool {
	return l.sub.State == gateway.SubscriptionActive && !l.held.SetAside()
}

// runnable reports whether attempts may start. l.mu is held, here and below.
func (l *lane) runnable() bool {
	return l.active() && !l.frozen && !l.removed && !l.held.SetAside() && !l.engine.stopping.Load()
}

// dispatch starts whatever can be started now.
func (l *lane) dispatch(now time.Time) {
	if !l.runnable() {
		return
	}
	l.startManual(now)
	if l.breaker.Probing() {
		l.probe(now)
	} else {
		l.startReady(now)
		l.readDue(now)
		l.fill()
	}
	l.setTimer(now)
}

// startReady fills the free slots: retries that are due first, then the next events.
func (l *lane) startReady(now time.Time) {
	slots := l.breaker.Slots(l.sub.Policy.Slots(), now)
	for l.slots < slots {
		switch retry := len(l.retries.ready) > 0; {
		case !retry && (l.retries.first || l.queue.len() == 0) || !l.mayStart():
			return
		case retry:
			l.startRetry(l.retries.pop(), false, now)
		default:
			l.startFirst(l.queue.pop(), false, now)
		}
	}
}

// push takes events from the router. It returns false when the lane is not fed (any more).
func (l *lane) push(ctx context.Context, events []*outgoing) bool {
	l.loadSettled(ctx, events[0].Position-1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.fed {
		return false
	}
	for _, o := range events {
		if o.Position <= l.scan {
			continue
		}
		if l.room() == 0 {
			l.fed, l.scan = false, o.Position-1
			break
		}
		l.enqueue(o)
		l.scan = o.Position
	}
	l.updateLow()
	l.dispatch(time.Now())
	return l.fed
}

// doubtfulEvents is the number of events that a lane in doubt keeps in memory. Beyond that the router stops feeding it, and it reads
// the log when its endpoint works again.
const doubtfulEvents = 8

// room returns how many more events may come in.
func (l *lane) room() int {
	if l.breaker.Doubtful() {
		return min(l.queue.room(), max(doubtfulEvents-l.queue.len(), 0))
	}
	return l.queue.room()
}

// runsLow reports whether more events should be read.
func (l *lane) runsLow() bool {
	if l.breaker.Doubtful() {
		return l.queue.len() == 0
	}
	return l.queue.low()
}

func (l *lane) enqueue(o *outgoing) {
	if _, done := l.settled[o.Position]; !done {
		l.queue.push(o)
	}
}

// hold stops the feed, frees the events in memory, and keeps the position in a cursor of the lane's own.
func (l *lane) hold() {
	l.stopFeed()
	l.retries.ready = nil
	l.leaveShare()
}

// stopFeed ends the router's feed and drops the queue; the lane reads those events again later.
func (l *lane) stopFeed() {
	if l.fed {
		l.fed = false
		l.scan = max(l.scan, l.engine.router.position())
	}
	if p, ok := l.queue.first(); ok {
		l.scan = p - 1
	}
	l.queue.drop()
	l.turn++
	l.updateLow()
}

// wake is called by the timer.
func (l *lane) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timerAt = time.Time{}
	l.dispatch(time.Now())
}

// setTimer schedules a wake-up for the next event that is due. Waking too early is harmless.
func (l *lane) setTimer(now time.Time) {
	at := l.nextWake(now)
	if at.IsZero() || !l.timerAt.IsZero() && !at.Before(l.timerAt) {
		return
	}
	l.timerAt = at
	in := max(at.Sub(now), 0)
	if l.timer == nil {
		l.timer = time.AfterFunc(in, l.wake)
		return
	}
	l.timer.Reset(in)
}

func (l *lane) nextWake(now time.Time) time.Time {
	if state, at := l.breaker.State(); state != gateway.BreakerClosed {
		if !gateway.Over(at, now) {
			return at
		}
		if l.probing || l.queued || l.engine.line.has(l) {
			return time.Time{} // It is called when the probe has ended, or may begin.
		}
	}
	return l.retries.next
}

// later tries again after a read of the store failed.
func (l *lane) later() {
	time.AfterFunc(time.Second, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.dispatch(time.Now())
	})
}

// spawn runs work that the engine waits for when it stops. It must only be called while runnable, or from such work.
func (l *lane) spawn(work func()) {
	l.engine.work.Add(1)
	go func() {
		defer l.engine.work.Done()
		work()
	}()
}
