package deliver

import (
	"context"
	"log/slog"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

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
	// began is when the attempt got its slot; it does not change when the request is repeated.
	began time.Time
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
		Tenant:      l.tenant, CreateTime: now,
	}
	a.describeEvent()
	a.sequence = l.progress.window.add(o.Position)
	l.startLocked(a, now)
	l.watchAgeLocked()
}

// startRetryLocked begins an attempt of a delivery that has a row.
func (l *lane) startRetryLocked(r retry, probe bool, now time.Time) {
	a := &attempt{event: r.event, stored: true, probe: probe}
	a.delivery = *r.delivery
	a.describeEvent()
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

// describeEvent copies what watchers see of the event.
func (a *attempt) describeEvent() {
	e, d := a.event, &a.delivery
	d.EventID, d.EventType, d.EventSubject, d.EventAcceptTime = e.ID, e.Type, e.Subject, e.AcceptTime
}

func (l *lane) startLocked(a *attempt, now time.Time) {
	if l.ctx == nil {
		l.ctx, l.cancel = context.WithCancel(l.engine.attempts)
	}
	a.lane, a.sub, a.to, a.ctx = l, l.sub, l.to, l.ctx
	a.ticket = l.to.join(l.engine, l.sub)
	a.start, a.began = now.UTC(), now
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

// socketWait is the time that an attempt waits if there was no free socket or connection.
const socketWait = 100 * time.Millisecond

// sendOnceFree repeats a request that could not be sent because there was no free socket or connection, which says nothing about the
// endpoint. Targets with batches wait in sendAll.
func (a *attempt) sendOnceFree() gateway.Outcome {
	outcome := a.send()
	for outcome.NoSocket && a.ctx.Err() == nil {
		wait(a.ctx, socketWait)
		a.restart(time.Now().UTC())
		outcome = a.send()
	}
	return outcome
}

// restart repeats the attempt with another time to sign.
func (a *attempt) restart(at time.Time) {
	a.lane.mu.Lock()
	defer a.lane.mu.Unlock()
	a.start = at
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
	outcome, at := a.to.send(a.ctx, a.ticket, message, a.start)
	if !at.Equal(a.start) {
		a.restart(at)
	}
	if outcome.Kind == gateway.OutcomeNone && !outcome.NoSocket && a.ctx.Err() == nil {
		outcome.Kind = gateway.OutcomeEndpointFailure
	}
	return outcome
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
