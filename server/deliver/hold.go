package deliver

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// A hold stops the attempts of a lane: until a time that the endpoint asked for, or until the subscription is changed. It is
// stored, so a restart does not end it.

// adoptHoldLocked applies a hold that was stored.
func (l *lane) adoptHoldLocked(stored gateway.Hold, now time.Time) {
	l.held = stored.Bound(now)
	if l.held.Kind == gateway.HoldSlowDown && l.held.Until.After(now) {
		l.breaker.Hold(l.held)
	}
}

// keepLocked holds the lane and stores the reason.
func (l *lane) keepLocked(h gateway.Hold) {
	l.holdLocked()
	if h.Since = l.held.Since; h != l.held {
		l.storeHoldLocked(h)
	}
}

// endHoldLocked removes a hold that the endpoint asked for, once an attempt has ended it.
func (l *lane) endHoldLocked() {
	if state, _ := l.breaker.State(); l.held.Kind == gateway.HoldSlowDown && state != gateway.BreakerHolding {
		l.storeHoldLocked(gateway.Hold{})
	}
}

func (l *lane) storeHoldLocked(h gateway.Hold) {
	if h.Since = (time.Time{}); !h.Until.IsZero() {
		h.Since = time.Now().UTC()
	}
	l.held = h
	l.failures.aside.Store(h.Kind == gateway.HoldFilter)
	l.engine.store.Record(store.Result{Subscription: l.id, Hold: &h})
}

// lifting wraps a change of the subscription that ends a hold, so that both are in one transaction.
func lifting(change func(*gateway.Subscription) error) func(*gateway.Subscription) error {
	return func(s *gateway.Subscription) error {
		before := *s
		if err := change(s); err != nil {
			return err
		}
		if s.Hold.EndsBy(&before, s) {
			s.Hold = gateway.Hold{}
		}
		return nil
	}
}

// liftLocked ends the hold after such a change.
func (l *lane) liftLocked(was *gateway.Subscription) {
	if l.held.EndsBy(was, l.sub) {
		l.storeHoldLocked(gateway.Hold{})
		l.startAfreshLocked()
	}
}

// resumeHeld ends any hold, because a person asked for it.
func (l *lane) resumeHeld() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held.Kind == gateway.HoldNone {
		return
	}
	l.storeHoldLocked(gateway.Hold{})
	l.startAfreshLocked()
	l.dispatchLocked(time.Now())
}
