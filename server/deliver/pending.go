package deliver

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// pendingAfter is the age at which a first attempt gets a row, so that one slow response does not hold back the stored position.
const pendingAfter = time.Second

// watchAgeLocked schedules storePending, so that old first attempts get a row.
func (l *lane) watchAgeLocked() {
	if !l.inFlight.aging {
		l.inFlight.aging = true
		time.AfterFunc(pendingAfter, l.storePending)
	}
}

func (l *lane) storePending() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	youngest := l.writePendingLocked(now.Add(-pendingAfter))
	l.inFlight.aging = !youngest.IsZero()
	if l.inFlight.aging {
		time.AfterFunc(max(youngest.Add(pendingAfter).Sub(now), time.Millisecond), l.storePending)
	}
}

// writePendingLocked stores a row for each first attempt that began by a time. It returns the start of the oldest other one,
// zero for none.
func (l *lane) writePendingLocked(startedBy time.Time) (left time.Time) {
	if l.removed {
		return left
	}
	for _, a := range l.inFlight.busy {
		switch {
		case a.stored || a.ended:
		case a.began.After(startedBy):
			if left.IsZero() || a.began.Before(left) {
				left = a.began
			}
		default:
			l.recordPendingLocked(a)
		}
	}
	l.updateLowLocked()
	return left
}

func (l *lane) recordPendingLocked(a *attempt) {
	d := a.delivery
	d.State, d.UpdateTime = gateway.DeliveryPending, time.Now().UTC()
	permit := a.permit
	result := store.Result{Delivery: &d, Committed: func() {
		permit.done()
		l.engine.watches.publish(&d)
	}}
	l.resolveLocked(a)
	l.withPlaceLocked(&result)
	permit.use()
	l.engine.store.Record(result)
}
