package deliver

import (
	"context"
	"math/bits"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// tally counts attempts by minute, for an hour.
type tally struct {
	minutes     [60]minute
	lastFailure gateway.Failure
	lastSuccess time.Time
	// failures counts those since the last success.
	failures int64
	// recent has one bit for each of the newest attempts, 1 for a failure; the lowest is the newest.
	recent uint32
	total  int64
}

type minute struct {
	number              int64
	attempts, successes int64
}

// noteLocked counts an attempt, unless the endpoint asked to repeat it later. It returns the new state of failures if that must
// be stored.
func (l *lane) noteLocked(outcome *gateway.Outcome, now time.Time) *gateway.Failing {
	if outcome.Kind == gateway.OutcomeSlowDown {
		return nil
	}
	if l.tally == nil {
		l.tally = &tally{}
	}
	l.tally.count(outcome, now)
	next, changed := l.failing.After(outcome, now)
	l.failing = next
	if !changed {
		return nil
	}
	return &next
}

func (t *tally) count(outcome *gateway.Outcome, now time.Time) {
	number := now.Unix() / 60
	m := &t.minutes[number%60]
	if m.number != number {
		*m = minute{number: number}
	}
	m.attempts++
	t.total++
	t.recent <<= 1
	if failure, failed := outcome.Failure(now); failed {
		t.lastFailure = failure
		t.failures++
		t.recent |= 1
		return
	}
	m.successes++
	t.lastSuccess, t.failures = now, 0
}

// livelyLocked reports whether the endpoint has accepted an event within liveliness.
func (l *lane) livelyLocked(now time.Time) bool {
	return l.tally != nil && now.Sub(l.tally.lastSuccess) < liveliness
}

// forgetFailuresLocked begins to count anew, because the target has changed.
func (l *lane) forgetFailuresLocked() {
	l.tally = &tally{}
	if l.failing != (gateway.Failing{}) {
		l.failing = gateway.Failing{}
		l.engine.store.Record(store.Result{Subscription: l.id, Failing: &gateway.Failing{}})
	}
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

func (t *tally) show(health *gateway.SubscriptionHealth, now time.Time) {
	health.Attempts, health.Successes = t.lastHour(now)
	health.RecentAttempts = min(t.total, gateway.RecentAttempts)
	health.RecentFailures = int64(bits.OnesCount32(t.recent & (1<<gateway.RecentAttempts - 1)))
	health.LastSuccessTime, health.FailuresSince = t.lastSuccess, t.failures
	if !t.lastFailure.Time.IsZero() {
		health.LastFailure = t.lastFailure
	}
}

// recall reads once whether the newest delivery succeeded, if there was no attempt since the start.
func (l *lane) recall(ctx context.Context) error {
	l.mu.Lock()
	known := l.tally != nil || l.earlierSuccess != nil
	l.mu.Unlock()
	if known {
		return nil
	}
	newest, err := l.engine.store.NewestDelivery(ctx, l.id)
	if err != nil {
		return err
	}
	var success time.Time
	if newest != nil && newest.State == gateway.DeliveryDelivered {
		success = newest.UpdateTime
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.earlierSuccess = &success
	return nil
}
