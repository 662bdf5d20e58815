package gateway

import "time"

// Defaults and bounds of a delivery policy.
const (
	DefaultConcurrency = 32
	MaxConcurrency     = 1024
	DefaultTimeout     = 15 * time.Second
)

// DefaultRetrySchedule holds the waits between attempts when a policy has none.
var DefaultRetrySchedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Policy is how a subscription's events are delivered. The zero value is the default policy.
type Policy struct {
	// RetrySchedule holds the waits between attempts; DefaultRetrySchedule when empty.
	RetrySchedule []time.Duration `json:"retry_schedule,omitempty"`
	// Concurrency is the number of attempts under way at once; DefaultConcurrency when 0.
	Concurrency int `json:"concurrency,omitempty"`
	// Timeout bounds one whole attempt; DefaultTimeout when 0.
	Timeout time.Duration `json:"timeout,omitempty"`
}

// Schedule returns the waits that apply.
func (p Policy) Schedule() []time.Duration {
	if len(p.RetrySchedule) == 0 {
		return DefaultRetrySchedule
	}
	return p.RetrySchedule
}

// Slots returns the concurrency that applies.
func (p Policy) Slots() int {
	if p.Concurrency <= 0 {
		return DefaultConcurrency
	}
	return min(p.Concurrency, MaxConcurrency)
}

// AttemptTimeout returns the timeout that applies.
func (p Policy) AttemptTimeout() time.Duration {
	if p.Timeout <= 0 {
		return DefaultTimeout
	}
	return p.Timeout
}

// NextRetry returns the wait after a failure that used up the step number `step` of the schedule (0 for the first), varied
// by ±20 %. random is uniform in [0, 1). ok is false when the schedule is used up: the delivery is dead.
func (p Policy) NextRetry(step int, random float64) (wait time.Duration, ok bool) {
	schedule := p.Schedule()
	if step >= len(schedule) {
		return 0, false
	}
	return time.Duration(float64(schedule[step]) * (0.8 + 0.4*random)), true
}

// Ended is what the next state of a delivery depends on after an attempt has ended.
type Ended struct {
	Kind OutcomeKind
	// Probe means that the attempt was a probe.
	Probe bool
	// Held means that the breaker is not closed, with this outcome taken into account.
	Held bool
	At   time.Time
}

// Settle moves a delivery to its next state after an attempt: delivered; waiting for its schedule, for the breaker (then Due
// is zero) or for a probe; or dead. random is uniform in [0, 1).
func (p Policy) Settle(d *Delivery, attempt Ended, random float64) {
	d.Manual = false
	switch attempt.Kind {
	case OutcomeDelivered:
		d.State, d.Due = DeliveryDelivered, time.Time{}
	case OutcomeSlowDown:
		p.settleSlowDown(d, attempt.At, random)
	case OutcomeGone:
		d.wait()
	default:
		p.settleFailure(d, attempt, random)
	}
}

// settleSlowDown uses no step, but counts as a probe of the event. After ProbesPerEvent the next event gets its turn, and
// this one waits for the next step of the schedule each time.
func (p Policy) settleSlowDown(d *Delivery, now time.Time, random float64) {
	d.Probes++
	if d.Probes < ProbesPerEvent {
		d.wait()
		return
	}
	wait, _ := p.NextRetry(min(d.Step+d.Probes-ProbesPerEvent, len(p.Schedule())-1), random)
	d.State, d.Due = DeliveryRetrying, now.Add(wait)
}

func (p Policy) settleFailure(d *Delivery, attempt Ended, random float64) {
	if !attempt.Held {
		p.useStep(d, attempt.At, random)
		return
	}
	if !attempt.Probe {
		d.wait()
		return
	}
	d.Probes++
	switch {
	case d.Probes < ProbesPerEvent:
		d.wait()
	case d.Probes == ProbesPerEvent:
		p.useStep(d, attempt.At, random)
	default:
		// This event is the probe because there was no other. It is tried again after the same wait.
		wait, _ := p.NextRetry(min(max(d.Step-1, 0), len(p.Schedule())-1), random)
		d.State, d.Due = DeliveryRetrying, attempt.At.Add(wait)
	}
}

func (p Policy) useStep(d *Delivery, now time.Time, random float64) {
	wait, ok := p.NextRetry(d.Step, random)
	if !ok {
		d.State, d.Due = DeliveryDead, time.Time{}
		return
	}
	d.Step++
	d.State, d.Due = DeliveryRetrying, now.Add(wait)
}

// wait makes the delivery wait until its subscription continues.
func (d *Delivery) wait() { d.State, d.Due = DeliveryRetrying, time.Time{} }

// GiveBack undoes the cost of a failure that turned out to be one of those that opened the breaker. The step is given back.
// The delivery continues when the breaker allows it, as if it had not been probed.
func (d *Delivery) GiveBack() {
	if d.State == DeliveryRetrying && d.Step > 0 {
		d.Step--
	}
	d.Probes = 0
	d.wait()
}

// Revive schedules a delivery that a person retries: now, and for a dead delivery with a fresh schedule.
func (d *Delivery) Revive(now time.Time) {
	if d.State == DeliveryDead {
		d.Step, d.Probes = 0, 0
	}
	d.State, d.Due, d.Manual, d.UpdateTime = DeliveryRetrying, now, true, now
}
