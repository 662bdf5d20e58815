package gateway

import "time"

// Defaults and bounds of a delivery policy.
const (
	DefaultConcurrency = 32
	MaxConcurrency     = 1024
	DefaultTimeout     = 15 * time.Second
)

// DefaultRetrySchedule is the waits between attempts when a policy names none.
var DefaultRetrySchedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Policy says how a subscription's events are delivered. The zero value is the default policy.
type Policy struct {
	// RetrySchedule is the waits between attempts; DefaultRetrySchedule when empty.
	RetrySchedule []time.Duration `json:"retry_schedule,omitempty"`
	// Concurrency is the attempts under way at once; DefaultConcurrency when 0.
	Concurrency int `json:"concurrency,omitempty"`
	// Timeout is for one whole attempt; DefaultTimeout when 0.
	Timeout time.Duration `json:"timeout,omitempty"`
}

// Schedule is the waits in force.
func (p Policy) Schedule() []time.Duration {
	if len(p.RetrySchedule) == 0 {
		return DefaultRetrySchedule
	}
	return p.RetrySchedule
}

// Slots is the concurrency in force.
func (p Policy) Slots() int {
	if p.Concurrency <= 0 {
		return DefaultConcurrency
	}
	return min(p.Concurrency, MaxConcurrency)
}

// AttemptTimeout is the timeout in force.
func (p Policy) AttemptTimeout() time.Duration {
	if p.Timeout <= 0 {
		return DefaultTimeout
	}
	return p.Timeout
}

// NextRetry answers the wait after a failure that used up the schedule's step number `step` (0 for the first), varied by
// ±20 %: random is uniform in [0, 1). ok is false when the schedule is used up: the delivery is dead.
func (p Policy) NextRetry(step int, random float64) (wait time.Duration, ok bool) {
	schedule := p.Schedule()
	if step >= len(schedule) {
		return 0, false
	}
	return time.Duration(float64(schedule[step]) * (0.8 + 0.4*random)), true
}
