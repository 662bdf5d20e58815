package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// A change of a subscription is completed even if its caller has gone, because the store and the lane must not differ.

// Create stores a subscription and begins to deliver. Every event that is acknowledged after Create returns is included. The
// errors are those of the store.
func (e *Engine) Create(ctx context.Context, sub *gateway.Subscription, start gateway.Start) (*gateway.Subscription, error) {
	if err := e.awaitReady(ctx); err != nil {
		return nil, err
	}
	// The marks do not move until the lane counts, so the mark of its group cannot pass events with which the subscription
	// begins.
	for _, m := range e.marks {
		defer m.hold()()
	}
	created, err := e.store.CreateSubscription(context.WithoutCancel(ctx), sub, start)
	if err != nil {
		return nil, err
	}
	l := newLane(e, created)
	e.mu.Lock()
	e.lanes[created.ID] = l
	e.mu.Unlock()
	e.router.feed(l)
	l.begin()
	return created, nil
}

// begin starts a new lane. A lane that does not run keeps its position in a cursor of its own.
func (l *lane) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.updateLowLocked()
	if !l.activeLocked() || l.held.Kind != gateway.HoldNone {
		l.leaveShareLocked()
	}
	l.dispatchLocked(time.Now())
}

// Update changes a subscription; expected is the revision required, 0 for any. The change applies to events that are not
// dispatched yet: those after from. The errors are not found, those of the store, and change's.
func (e *Engine) Update(ctx context.Context, id gateway.SubscriptionID, expected int64, change func(*gateway.Subscription) error) (sub *gateway.Subscription, from gateway.Position, err error) {
	l, err := e.lane(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	l.admin.Lock()
	defer l.admin.Unlock()
	return l.change(ctx, expected, change)
}

// change stores a change while nothing is dispatched. Attempts under way get their row first, because the next start would
// look at their events with the new filter. The caller holds l.admin.
func (l *lane) change(ctx context.Context, expected int64, change func(*gateway.Subscription) error) (*gateway.Subscription, gateway.Position, error) {
	l.mu.Lock()
	l.frozen = true
	l.writePendingLocked(time.Now())
	l.mu.Unlock()
	sub, _, err := l.engine.store.UpdateSubscription(context.WithoutCancel(ctx), l.id, expected, lifting(change))
	if err != nil {
		sub = nil
	}
	return sub, l.adopt(sub), err
}

// adopt applies a changed subscription (nil if it has not changed), and lets the lane continue. It returns the position
// after which the change applies.
func (l *lane) adopt(sub *gateway.Subscription) gateway.Position {
	r := l.engine.router
	r.mu.Lock()
	defer r.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = false
	if sub != nil && !l.removed {
		was := l.sub
		l.sub = sub
		l.liftLocked(was)
		l.retargetLocked(was)
		if !was.Filter.Equal(sub.Filter) {
			l.expression = l.engine.filters.Expression(sub.Filter.Expression)
			r.drop(l)
			l.stopFeedLocked()
		}
		l.changeStateLocked(was)
	}
	from := l.intake.place(r.position())
	l.dispatchLocked(time.Now())
	return from
}

// retargetLocked makes the next attempt go to a changed target at once: the old target's failures say nothing about the new one.
func (l *lane) retargetLocked(was *gateway.Subscription) {
	elsewhere := !l.sub.SameTarget(was)
	if elsewhere || was.Secret != l.sub.Secret || was.Policy.AttemptTimeout() != l.sub.Policy.AttemptTimeout() {
		l.to.retire()
		l.to = newDestination()
	}
	if elsewhere {
		l.forgetFailuresLocked()
		l.startAfreshLocked()
	}
}

func (l *lane) changeStateLocked(was *gateway.Subscription) {
	switch {
	case !l.activeLocked():
		l.holdLocked()
		l.retries.manual = nil
	case was.State != gateway.SubscriptionActive:
		l.startAfreshLocked()
	}
}

func (l *lane) startAfreshLocked() {
	l.breaker.Reset()
	l.reopenLocked()
}

// Pause stops attempts and keeps the position. It does nothing if the subscription is already paused.
func (e *Engine) Pause(ctx context.Context, id gateway.SubscriptionID) (*gateway.Subscription, error) {
	return e.setState(ctx, id, gateway.SubscriptionPaused)
}

// Resume continues where a paused or disabled subscription stopped, and ends a hold of an active one.
func (e *Engine) Resume(ctx context.Context, id gateway.SubscriptionID) (*gateway.Subscription, error) {
	return e.setState(ctx, id, gateway.SubscriptionActive)
}

// errUnchanged ends a change that has no effect.
var errUnchanged = errors.New("unchanged")

func (e *Engine) setState(ctx context.Context, id gateway.SubscriptionID, state gateway.SubscriptionState) (*gateway.Subscription, error) {
	l, err := e.lane(ctx, id)
	if err != nil {
		return nil, err
	}
	l.admin.Lock()
	defer l.admin.Unlock()
	var current gateway.Subscription
	sub, _, err := l.change(ctx, 0, func(s *gateway.Subscription) error {
		if current = *s; s.State == state && s.Hold.Kind == gateway.HoldNone {
			return errUnchanged
		}
		s.State, s.StateReason = state, ""
		if state == gateway.SubscriptionActive {
			s.Hold = gateway.Hold{}
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		sub, err = &current, nil
	}
	if err == nil && state == gateway.SubscriptionActive {
		l.resumeHeld()
	}
	return sub, err
}

// disable stores that the endpoint has responded that it is gone for good. The lane has already stopped.
func (l *lane) disable(a *attempt) {
	l.admin.Lock()
	defer l.admin.Unlock()
	for {
		_, _, err := l.change(l.engine.reading, 0, func(s *gateway.Subscription) error {
			if s.State != gateway.SubscriptionActive {
				return errUnchanged
			}
			s.State = gateway.SubscriptionDisabled
			s.StateReason = a.last.Outcome.Error + " to event " + a.delivery.EventID
			return nil
		})
		if err == nil || errors.Is(err, errUnchanged) || gateway.ErrorCode(err) == gateway.CodeNotFound || l.engine.reading.Err() != nil {
			return
		}
		l.engine.logger.Error("disable subscription", "subscription", a.sub.UID, "error", err)
		wait(l.engine.reading, time.Second)
	}
}

// Delete ends the deliveries of a subscription, including those under way, and removes it. expected is the required
// revision, 0 for any. No attempt starts while the store removes the rows. Attempts under way are cancelled when the rows are gone; results
// that arrive until then are dropped by the store, later ones by settle.
func (e *Engine) Delete(ctx context.Context, id gateway.SubscriptionID, expected int64) error {
	l, err := e.lane(ctx, id)
	if err != nil {
		return err
	}
	l.admin.Lock()
	defer l.admin.Unlock()
	l.freeze()
	err = e.store.DeleteSubscription(context.WithoutCancel(ctx), id, expected)
	if err != nil && e.exists(ctx, l) {
		l.adopt(nil)
		return err
	}
	l.remove()
	e.mu.Lock()
	delete(e.lanes, id)
	e.mu.Unlock()
	return err
}

// freeze keeps attempts from starting until adopt or remove.
func (l *lane) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = true
}

// exists reports whether the subscription still exists after a delete failed. The subscription is deleted before its
// deliveries.
func (e *Engine) exists(ctx context.Context, l *lane) bool {
	l.mu.Lock()
	uid := l.sub.UID
	l.mu.Unlock()
	_, err := e.store.SubscriptionByRef(context.WithoutCancel(ctx), l.tenant, uid)
	return gateway.ErrorCode(err) != gateway.CodeNotFound
}

func (l *lane) remove() {
	r := l.engine.router
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.removed, l.progress.shared = true, false
	l.stopFeedLocked()
	l.retries = retries{readers: l.retries.readers, changed: l.retries.changed}
	if l.cancel != nil {
		l.cancel()
	}
	l.to.retire()
	l.alarm.stop()
}

// lane returns the lane of a subscription.
func (e *Engine) lane(ctx context.Context, id gateway.SubscriptionID) (*lane, error) {
	if err := e.awaitReady(ctx); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if l := e.lanes[id]; l != nil {
		return l, nil
	}
	return nil, gateway.Gone("subscription")
}
