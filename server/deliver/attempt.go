package deliver

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// pendingAfter is the age at which a first attempt gets a row, so that one slow response does not hold back the stored position.
const pendingAfter = time.Second

// attempt is one attempt, from its slot to the commit of its outcome.
type attempt struct {
	lane  *lane
	event *outgoing
	sub   *gateway.Subscription
	to    *destination
	// ticket is the place of the attempt in the target's batches; nil for a target without batches.
	ticket *ticket
	ctx    context.Context

	// delivery is the delivery's row. It is passed to the store with the outcome and does not change from then on.
	delivery gateway.Delivery
	last     gateway.Attempt
	previous *gateway.Attempt

	cause gateway.AttemptCause
	start time.Time
	// sequence is the number of a first attempt in the window; stored reports that it has a row and the window has passed it.
	sequence uint64
	stored   bool
	// probe: sent to find out whether the endpoint is back. trial: started while the breaker was not closed.
	probe, trial bool
	ended        bool
	// permit is the lane's permit if the attempt needs one, otherwise nil.
	permit *permit
	// holds is the number of bytes of memory that the attempt is charged until its turn ends.
	holds int64
}

// startFirstLocked begins an event's first attempt.
func (l *lane) startFirstLocked(o *outgoing, probe bool, now time.Time) {
	l.intake.forgetSettled(o.Position, l.engine.startHead)
	a := &attempt{event: o, cause: gateway.CauseFirst, probe: probe}
	a.delivery = gateway.Delivery{
		DeliveryKey: gateway.DeliveryKey{Subscription: l.id, Position: o.Position},
		Tenant:      l.tenant, CreateTime: now, EventID: o.ID, EventType: o.Type,
	}
	a.sequence = l.progress.window.add(o.Position)
	l.startLocked(a, now)
	l.watchAgeLocked()
}

// startRetryLocked begins an attempt of a delivery that has a row.
func (l *lane) startRetryLocked(r retry, probe bool, now time.Time) {
	a := &attempt{event: r.event, stored: true, probe: probe}
	a.delivery = *r.delivery
	a.delivery.EventID, a.delivery.EventType = r.event.ID, r.event.Type
	a.previous, a.delivery.Last = r.delivery.Last, nil
	switch {
	case r.delivery.Manual:
		a.cause = gateway.CauseManual
	case r.delivery.Attempts == 0:
		a.cause = gateway.CauseFirst
	case probe:
		a.cause = gateway.CauseProbe
	default:
		a.cause = gateway.CauseRetry
	}
	l.startLocked(a, now)
}

func (l *lane) startLocked(a *attempt, now time.Time) {
	if l.ctx == nil {
		l.ctx, l.cancel = context.WithCancel(l.engine.attempts)
	}
	a.lane, a.sub, a.to, a.ctx = l, l.sub, l.to, l.ctx
	a.ticket = l.to.join(l.engine, l.sub)
	a.start = now.UTC()
	a.trial = l.breaker.Probing()
	l.inFlight.begin(a)
	a.holds = a.event.bytes()
	l.engine.turns.begin(l, a.holds)
	l.usePermitLocked(a)
	if a.probe {
		l.probing, l.searching = true, false
	}
	l.engine.work.Add(1)
	if l.livelyLocked(now) {
		l.engine.workers.start(a)
	} else {
		l.engine.workers.startInTurn(a)
	}
}

func (a *attempt) run() {
	defer a.lane.engine.work.Done()
	outcome := a.sendOnceFree()
	a.to.leave()
	a.lane.engine.turns.give(a.lane, a.holds)
	recorded := a.lane.settle(a, outcome)
	if !recorded {
		return
	}
	a.log()
	if outcome.Kind == gateway.OutcomeGone {
		a.lane.disable(a)
	}
}

// socketWait is how long an attempt waits that found no free socket.
const socketWait = 100 * time.Millisecond

// sendOnceFree repeats a request that could not be sent because this process had no free socket. That says nothing about the
// endpoint.
func (a *attempt) sendOnceFree() gateway.Outcome {
	outcome := a.send()
	for outcome.NoSocket && a.ctx.Err() == nil {
		wait(a.ctx, socketWait)
		a.restart()
		outcome = a.send()
	}
	return outcome
}

// restart begins the attempt again, with a new time to sign.
func (a *attempt) restart() {
	a.lane.mu.Lock()
	defer a.lane.mu.Unlock()
	a.start = time.Now().UTC()
}

func (a *attempt) send() gateway.Outcome {
	message, err := a.event.render(a.lane.engine, a.sub.Payload)
	if err != nil {
		a.to.skip(a.ctx, a.ticket)
		return gateway.Outcome{Kind: gateway.OutcomeEventFailure, Error: "the payload cannot be rendered: " + err.Error()}
	}
	if a.to.err != nil {
		return gateway.Outcome{Kind: gateway.OutcomeEndpointFailure, Error: "the target cannot be used: " + a.to.err.Error()}
	}
	outcome := a.to.send(a.ctx, a.ticket, message, a.start)
	if outcome.Kind == gateway.OutcomeNone && !outcome.NoSocket && a.ctx.Err() == nil {
		outcome.Kind = gateway.OutcomeEndpointFailure
	}
	return outcome
}

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
	l.noteLocked(outcome, now)
	giveBack := l.consultLocked(a, outcome, now)
	l.endHoldLocked()
	l.concludeLocked(a, outcome, now)
	result := store.Result{Delivery: &a.delivery, Previous: a.previous, Revision: a.sub.Revision, Committed: a.committed}
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
	return gateway.DeliverySettled{
		Tenant: d.Tenant, Subscription: d.Subscription, Attempted: a.last.Outcome.Kind != gateway.OutcomeSlowDown,
		Delivered: d.State == gateway.DeliveryDelivered, Dead: d.State == gateway.DeliveryDead,
		Latency: max(d.UpdateTime.Sub(a.event.AcceptTime), 0),
	}
}

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
		case a.start.After(startedBy):
			if left.IsZero() || a.start.Before(left) {
				left = a.start
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

// log writes the one line of an attempt.
func (a *attempt) log() {
	level := slog.LevelInfo
	if a.delivery.State == gateway.DeliveryDelivered {
		level = slog.LevelDebug
	}
	logger := a.lane.engine.logger
	if !logger.Enabled(a.ctx, level) {
		return
	}
	d, o := &a.delivery, &a.last.Outcome
	due := slog.Attr{} // left out: there is no next attempt, or it waits for the subscription
	if !d.Due.IsZero() {
		due = slog.Time("due", d.Due)
	}
	logger.LogAttrs(a.ctx, level, "attempt",
		slog.String("subscription", a.sub.UID), slog.Int64("tenant", int64(d.Tenant)), slog.String("delivery", d.ID()),
		slog.String("event", d.EventID), slog.String("type", d.EventType), slog.Int("attempt", d.Attempts),
		slog.String("cause", a.cause.String()), slog.String("outcome", o.Kind.String()), slog.Int("status", o.Status),
		slog.String("address", o.Address), slog.String("error", o.Error), slog.Duration("took", o.Timings.Total),
		slog.String("state", d.State.String()), slog.Int("step", d.Step), due)
}
