package deliver

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// tally counts attempts by minute, for an hour.
type tally struct {
	minutes     [60]minute
	lastError   string
	lastSuccess time.Time
}

type minute struct {
	number              int64
	attempts, successes int64
}

// noteLocked counts an attempt, unless the endpoint asked to repeat it later.
func (l *lane) noteLocked(outcome gateway.Outcome, now time.Time) {
	if outcome.Kind == gateway.OutcomeSlowDown {
		return
	}
	if l.tally == nil {
		l.tally = &tally{}
	}
	number := now.Unix() / 60
	m := &l.tally.minutes[number%60]
	if m.number != number {
		*m = minute{number: number}
	}
	m.attempts++
	if outcome.Kind == gateway.OutcomeDelivered {
		m.successes++
		l.tally.lastSuccess = now
		return
	}
	l.tally.lastError = outcome.Error
}

// livelyLocked reports whether the endpoint has accepted an event within liveliness.
func (l *lane) livelyLocked(now time.Time) bool {
	return l.tally != nil && now.Sub(l.tally.lastSuccess) < liveliness
}

func (t *tally) lastHour(now time.Time) (attempts, successes int64) {
	number := now.Unix() / 60
	for _, m := range t.minutes {
		// A minute in the future was counted while the clock was ahead.
		if age := number - m.number; age >= 0 && age < 60 {
			attempts += m.attempts
			successes += m.successes
		}
	}
	return attempts, successes
}

// Health returns the current state of a subscription's deliveries. The backlog of a lane that reads by itself counts the events that its
// patterns select: evaluating its expression would cost as much as reading them.
func (e *Engine) Health(ctx context.Context, sub *gateway.Subscription) (gateway.SubscriptionHealth, error) {
	l, err := e.lane(ctx, sub.ID)
	if err != nil {
		return gateway.SubscriptionHealth{}, err
	}
	health, unread, current := l.health(time.Now())
	if unread.to > unread.from && health.Backlog <= gateway.BacklogLimit {
		limit := gateway.BacklogLimit + 1 - int(health.Backlog)
		n, err := e.store.CountMatching(ctx, current.Tenant, current.Filter, unread.from, unread.to, limit)
		if err != nil {
			return health, err
		}
		health.Backlog += int64(n)
	}
	health.Backlog = min(health.Backlog, gateway.BacklogLimit+1)
	health.Retrying, health.Dead, err = e.store.CountDeliveries(ctx, sub.ID)
	return health, err
}

// span is a part of the log: after from, up to to.
type span struct{ from, to gateway.Position }

// health returns the state that is known in memory, and the part of the log that a lane which reads by itself has not read.
func (l *lane) health(now time.Time) (health gateway.SubscriptionHealth, unread span, sub *gateway.Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	health.Place = l.placeLocked()
	health.Breaker, health.ResumeTime = l.breaker.State()
	if l.held.SetAside() || !gateway.Over(l.held.Until, now) {
		health.Hold = l.held
	}
	health.Backlog, unread = l.waitingLocked()
	if t := l.tally; t != nil {
		health.Attempts, health.Successes = t.lastHour(now)
		health.LastError, health.LastSuccessTime = t.lastError, t.lastSuccess
	}
	l.failures.show(&health)
	return health, unread, l.sub
}
