package deliver

import (
	"context"
	"sync"
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

	// The following fields have locks of their own, or need none.
	share    share
	failures filterFailures
	// counted caches the size of the backlog.
	counted backlogCount
	// The router owns these fields, guarded by its lock: the entry in its index, and the lane's part of the current batch.
	entry  *match.Entry[*lane]
	routed []*outgoing

	// mu guards everything below. Methods whose names end in Locked are called with it held.
	mu  sync.Mutex
	sub *gateway.Subscription
	// expression is the compiled expression of sub's filter; nil selects everything.
	expression *filter.Expression
	to         *destination
	// ctx ends when the subscription is deleted, which ends its attempts. It is made with the first attempt.
	ctx    context.Context
	cancel context.CancelFunc
	// frozen: a change is being stored. removed: the subscription is gone.
	frozen, removed bool
	// held is the stored reason and time for which the lane makes no attempts (hold.go).
	held gateway.Hold

	intake   intake
	progress progress
	inFlight inFlight
	retries  retries

	breaker gateway.Breaker
	// streak holds the rows of the failures that count for the breaker, in case their steps are given back.
	streak map[gateway.Position]*gateway.Delivery
	// probing: a probe is under way, or being looked for. searching: it is being looked for; the lane keeps its permit meanwhile.
	probing, searching bool
	turn               laneTurn
	doubt              lanePermit

	alarm alarm
	tally *tally
	// failing is the stored state of the failures since the last success.
	failing gateway.Failing
	// earlierSuccess is when the newest delivery succeeded before the first attempt since the start, zero if it did not; nil until
	// health asks for it.
	earlierSuccess *time.Time
}

// newLane returns a lane that begins at the subscription's position. The number of concurrent attempts starts at 1 and grows
// with each success, so that a thousand dead endpoints do not get their full concurrency at each start of the server.
func newLane(e *Engine, sub *gateway.Subscription) *lane {
	m := e.marks[sub.Group]
	place := sub.Place(m.position())
	l := &lane{
		engine: e, mark: m, id: sub.ID, tenant: sub.Tenant, sub: sub, to: newDestination(),
		expression: e.filters.Expression(sub.Filter.Expression),
		intake:     intake{scan: place}, progress: progress{cursor: place, shared: sub.Cursor == nil}, inFlight: newInFlight(),
		failing: sub.Failing,
	}
	l.share.low.Store(noLow)
	l.breaker.Reset()
	l.adoptHoldLocked(sub.Hold, time.Now())
	return l
}

// activeLocked reports whether the subscription is active and not set aside.
func (l *lane) activeLocked() bool {
	return l.sub.State == gateway.SubscriptionActive && !l.held.SetAside()
}

// runnableLocked reports whether attempts may start.
func (l *lane) runnableLocked() bool {
	return l.activeLocked() && !l.frozen && !l.removed && !l.held.SetAside() && !l.engine.stopping.Load()
}

// dispatchLocked starts everything that can start now.
func (l *lane) dispatchLocked(now time.Time) {
	if !l.runnableLocked() {
		return
	}
	l.startManualLocked(now)
	if l.breaker.Probing() {
		l.probeLocked(now)
	} else {
		l.startReadyLocked(now)
		l.readDueLocked(now)
		l.fillLocked()
	}
	l.setTimerLocked(now)
}

// startReadyLocked fills the free slots: retries that are due first, then the next events.
func (l *lane) startReadyLocked(now time.Time) {
	slots := l.breaker.Slots(l.sub.Policy.Slots(), now)
	for l.inFlight.slots < slots {
		switch retry := len(l.retries.ready) > 0; {
		case !retry && (l.retries.first || l.intake.queue.len() == 0) || !l.mayStartLocked():
			return
		case retry:
			l.startRetryLocked(l.retries.pop(), false, now)
		default:
			l.startFirstLocked(l.intake.queue.pop(), false, now)
		}
	}
}

// push takes events from the router. It returns false when the lane is not fed (any more).
func (l *lane) push(ctx context.Context, events []*outgoing) bool {
	l.loadSettled(ctx, events[0].Position-1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.intake.fed {
		return false
	}
	l.intake.push(events, l.breaker.Doubtful())
	l.updateLowLocked()
	l.dispatchLocked(time.Now())
	return l.intake.fed
}

// holdLocked stops the feed, frees the events in memory, and keeps the position in a cursor of the lane's own.
func (l *lane) holdLocked() {
	l.stopFeedLocked()
	l.retries.ready = nil
	l.leaveShareLocked()
}

// stopFeedLocked ends the router's feed and drops the queue; the lane reads those events again later.
func (l *lane) stopFeedLocked() {
	l.intake.stop(l.engine.router.position())
	l.updateLowLocked()
}

// wake is called by the timer.
func (l *lane) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alarm.rang()
	l.dispatchLocked(time.Now())
}

// setTimerLocked schedules a wake-up for the next event that is due. Waking too early is harmless.
func (l *lane) setTimerLocked(now time.Time) { l.alarm.set(l.nextWakeLocked(now), now, l.wake) }

func (l *lane) nextWakeLocked(now time.Time) time.Time {
	if state, at := l.breaker.State(); state != gateway.BreakerClosed {
		if !gateway.Over(at, now) {
			return at
		}
		if l.probing || l.turn.queued || l.engine.line.has(l) {
			return time.Time{} // the lane is called when the probe has ended or may begin
		}
	}
	return l.retries.next
}

// later tries again after a read of the store failed.
func (l *lane) later() {
	time.AfterFunc(time.Second, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.dispatchLocked(time.Now())
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
