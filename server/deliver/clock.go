package deliver

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

const (
	// clockLook is how often the wall clock is compared with the time that has passed.
	clockLook = 5 * time.Second
	// clockStep is the difference from which on the clock counts as set. A clock that is adjusted slowly reaches it in the
	// course of hours, and then the lanes only look at their waiting rows.
	clockStep = time.Second
)

// watchClock detects that the wall clock was set, or that the machine has slept. Due times are stored by the wall clock, so they are
// read again then: a delivery that was to wait for a minute must not wait for a day.
func (e *Engine) watchClock(ctx context.Context) {
	e.clockSet(ctx)
	ticker := time.NewTicker(clockLook)
	defer ticker.Stop()
	wall, then := e.wallClock().Round(0), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		step := e.wallClock().Round(0).Sub(wall) - time.Since(then)
		if step.Abs() < clockStep {
			continue
		}
		e.logger.Warn("the clock was set, or the machine has slept", "by", step)
		wall, then = e.wallClock().Round(0), time.Now()
		e.clockSet(ctx)
	}
}

// clockSet corrects waiting deliveries. It also runs at the start, because the clock may have been set while no server ran.
func (e *Engine) clockSet(ctx context.Context) {
	for _, l := range e.all() {
		if ctx.Err() != nil {
			return
		}
		l.clockSet(time.Now())
		if err := l.waitAnew(ctx, time.Now()); err != nil && ctx.Err() == nil {
			e.logger.Error("look at what waits after the clock was set", "subscription", l.id, "error", err)
			l.later()
		}
	}
}

// clockSet makes holds and the breaker continue with the time that is left, and reads due rows again.
func (l *lane) clockSet(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breaker.ClockSet(now)
	if l.holdMovedLocked(now) {
		l.storeHoldLocked(l.breaker.Held(l.held.Reason))
	}
	l.retries.due = l.retries.due || !l.retries.next.IsZero()
	l.alarm.rang()
	l.dispatchLocked(now)
}

// holdMovedLocked reports whether a hold ends at another time than is stored.
func (l *lane) holdMovedLocked(now time.Time) bool {
	if state, _ := l.breaker.State(); l.held.Kind != gateway.HoldSlowDown || state != gateway.BreakerHolding {
		return false
	}
	until := l.breaker.Held("").Until
	return l.held.Since.After(now) || until.Round(0).Sub(l.held.Until.Round(0)).Abs() >= clockStep
}

// waitAnew restarts the waits of rows that were stored ahead of now. Rows that were recorded before this call are committed
// before it. Rows that are recorded later have times of the corrected clock.
func (l *lane) waitAnew(ctx context.Context, now time.Time) error {
	ahead, err := l.engine.store.StoredAhead(ctx, l.id, now)
	if err != nil || !ahead {
		return err
	}
	l.engine.store.Record(store.Result{Subscription: l.id, ClockSet: now, Committed: l.lookAgain})
	return nil
}

// lookAgain reads the due rows again, because they have changed.
func (l *lane) lookAgain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retries.due = true
	l.dispatchLocked(time.Now())
}
