package deliver

import (
	"math/rand/v2"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// settle records the outcome of an attempt. It returns false when there is nothing to record: the subscription is deleted,
// or the attempt was cut off because the server stops.
func (l *lane) settle(a *attempt, outcome gateway.Outcome) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.ended = true
	if l.removed || outcome.Kind == gateway.OutcomeNone {
		return false
	}
	now := time.Now().UTC()
	failing := l.noteLocked(&outcome, now)
	giveBack := l.consultLocked(a, outcome, now)
	l.endHoldLocked()
	l.concludeLocked(a, outcome, now)
	result := store.Result{Delivery: &a.delivery, Previous: a.previous, Revision: a.sub.Revision, Failing: failing, Committed: a.committed}
	l.resolveLocked(a)
	l.withPlaceLocked(&result)
	a.permit.use()
	l.engine.store.Record(result)
	l.updateLowLocked()
	l.tryShareLocked()
	l.giveBackLocked(giveBack, a.delivery.Position, now)
	return true
}

// resolveLocked records that the row of a first attempt is being queued.
func (l *lane) resolveLocked(a *attempt) {
	if !a.stored {
		a.stored = true
		l.progress.window.resolve(a.sequence)
	}
}

// concludeLocked updates the row with the outcome.
func (l *lane) concludeLocked(a *attempt, outcome gateway.Outcome, now time.Time) {
	d := &a.delivery
	d.Attempts++
	a.last = gateway.Attempt{Number: d.Attempts, Cause: a.cause, Start: a.start, Outcome: outcome}
	d.Last = &a.last
	d.UpdateTime = now
	state, _ := l.breaker.State()
	ended := gateway.Ended{Kind: outcome.Kind, Probe: a.probe, Held: state != gateway.BreakerClosed, At: now}
	l.sub.Policy.Settle(d, ended, rand.Float64())
	failed := outcome.Kind == gateway.OutcomeEventFailure || outcome.Kind == gateway.OutcomeEndpointFailure
	if failed && !ended.Held {
		if l.streak == nil {
			l.streak = map[gateway.Position]*gateway.Delivery{}
		}
		l.streak[d.Position] = d
	}
}

// consultLocked reports the outcome to the breaker and applies its decision. It returns the events whose steps must be given
// back.
func (l *lane) consultLocked(a *attempt, outcome gateway.Outcome, now time.Time) (giveBack []gateway.Position) {
	switch outcome.Kind {
	case gateway.OutcomeDelivered:
		if l.breaker.Delivered(l.sub.Policy.Slots(), a.trial) {
			l.reopenLocked()
		}
		if !l.breaker.Probing() {
			l.streak = nil
		}
	case gateway.OutcomeSlowDown:
		l.breaker.SlowDown(outcome.RetryAfter, a.trial, now)
		l.keepLocked(l.breaker.Held(outcome.Error))
	case gateway.OutcomeGone:
		l.standStillLocked()
	default:
		endpoint := outcome.Kind == gateway.OutcomeEndpointFailure
		opened, closed := l.breaker.Failed(a.delivery.Position, endpoint, a.probe, now)
		if closed {
			l.reopenLocked()
		}
		if l.breaker.Probing() {
			l.holdLocked()
		}
		return opened
	}
	return nil
}

// reopenLocked continues after the breaker has closed: due retries first, then the next events.
func (l *lane) reopenLocked() {
	l.retries.due, l.retries.first = true, true
	l.streak = nil
}

// standStillLocked stops the lane at once, before the store records that the endpoint is gone.
func (l *lane) standStillLocked() {
	if l.activeLocked() {
		sub := *l.sub
		sub.State = gateway.SubscriptionDisabled
		l.sub = &sub
	}
	l.holdLocked()
}

// giveBackLocked undoes the steps of the failures that opened the breaker, except for the one that is being settled.
func (l *lane) giveBackLocked(positions []gateway.Position, settling gateway.Position, now time.Time) {
	for _, p := range positions {
		d, ok := l.streak[p]
		if !ok || p == settling {
			continue
		}
		if a := l.inFlight.busy[keyOf(d)]; a != nil && !a.ended {
			a.delivery.Step = max(a.delivery.Step-1, 0)
			continue
		}
		back := *d
		back.GiveBack()
		back.UpdateTime = now
		l.recordLocked(&back)
	}
	if positions != nil {
		l.streak = nil
	}
}

// recordLocked queues a row that changes outside an attempt.
func (l *lane) recordLocked(d *gateway.Delivery) {
	key := keyOf(d)
	l.inFlight.claim(key)
	l.engine.store.Record(store.Result{Delivery: d, Committed: func() {
		if d.State == gateway.DeliveryDead {
			l.engine.settled(gateway.DeliverySettled{Tenant: l.tenant, Subscription: l.id, Dead: true})
		}
		l.mu.Lock()
		l.releaseLocked(key)
		l.rowCommittedLocked(d)
		l.dispatchLocked(time.Now())
		l.mu.Unlock()
		l.engine.watches.publish(d)
	}})
}

func (l *lane) releaseLocked(key rowKey) {
	l.inFlight.release(key)
	l.retries.committed(key)
}

// committed frees the slot, because the outcome is durable.
func (a *attempt) committed() {
	l := a.lane
	a.permit.done()
	l.engine.settled(a.settled())
	l.mu.Lock()
	key := keyOf(&a.delivery)
	l.inFlight.end(key)
	if a.probe {
		l.probing = false
	}
	l.retries.committed(key)
	l.rowCommittedLocked(&a.delivery)
	l.dispatchLocked(time.Now())
	l.mu.Unlock()
	l.engine.watches.publish(&a.delivery)
}

func (a *attempt) settled() gateway.DeliverySettled {
	d := &a.delivery
	failure, _ := a.last.Outcome.Failure(d.UpdateTime)
	return gateway.DeliverySettled{
		Tenant: d.Tenant, Subscription: d.Subscription, Attempted: a.last.Outcome.Kind != gateway.OutcomeSlowDown,
		Delivered: d.State == gateway.DeliveryDelivered, Dead: d.State == gateway.DeliveryDead,
		Reason:  gateway.FailureReason{Kind: failure.Kind, Status: failure.Status},
		Latency: max(d.UpdateTime.Sub(a.event.AcceptTime), 0),
	}
}
