package gateway

import (
	"slices"
	"time"
)

// BreakerState is the state of a subscription's circuit breaker.
type BreakerState uint8

// The states.
const (
	// BreakerClosed: deliveries flow.
	BreakerClosed BreakerState = iota
	// BreakerOpen: the endpoint fails; the cursor holds and one probe at a time goes out.
	BreakerOpen
	// BreakerHolding: the endpoint asked to slow down; the cursor holds until a time it named.
	BreakerHolding
)

// When the breaker opens, and how long it waits.
const (
	// EndpointFailuresToOpen is the number of distinct events that must fail because of the endpoint, without a success in
	// between.
	EndpointFailuresToOpen = 5
	// AnyFailuresToOpen is the number of distinct events that must fail for any reason. One bad deploy that responds 400 to
	// everything must not make a million dead letters.
	AnyFailuresToOpen = 20
	// ProbesPerEvent is the number of failed probes after which an event gets a retry schedule of its own.
	ProbesPerEvent = 3
	// FirstProbeWait is the time from the opening to the first probe. It doubles with each failed probe, up to MaxProbeWait.
	FirstProbeWait = 5 * time.Second
	MaxProbeWait   = 5 * time.Minute
)

// Breaker decides when a subscription's endpoint has failed and when it is back. It is a plain value; the caller holds
// the lock.
//
//	closed ──5 endpoint failures, or 20 failures, of distinct events in a row──▶ open
//	open ──probe failed──▶ open (next probe after twice the wait, 5 min at most)
//	open ──probe delivered──▶ closed (slots ramp from 1)
//	open by endpoint failures ──probe answered with an event failure──▶ closed: the endpoint is back
//	any ──slow down──▶ holding ──time over──▶ holding (one probe at a time, as when open)
type Breaker struct {
	state    BreakerState
	resumeAt time.Time
	wait     time.Duration
	// slow is the length of the newest hold for which the endpoint named no time.
	slow time.Duration
	// refused means that the breaker opened because the endpoint refused events, not because the endpoint failed.
	refused bool
	// streak holds the distinct events that failed since the last success, with the kind of failure.
	streak []streakEntry
	// ramp bounds the attempts under way after closing; 0 means no bound.
	ramp int
}

type streakEntry struct {
	position Position
	endpoint bool
}

// State returns the state. For open and holding it also returns when the next attempt may begin. The delivery engine sets its timer
// to that time (deliver/lane.go, nextWakeLocked) and then sends a probe (deliver/probe.go).
func (b *Breaker) State() (BreakerState, time.Time) { return b.state, b.resumeAt }

// Slots bounds the attempts under way at once, given the policy's concurrency: none while holding, one probe at a time
// (from resumeAt on) while open.
func (b *Breaker) Slots(concurrency int, now time.Time) int {
	if b.state != BreakerClosed {
		if !Over(b.resumeAt, now) {
			return 0
		}
		return 1
	}
	if b.ramp > 0 {
		return min(b.ramp, concurrency)
	}
	return concurrency
}

// Probing reports whether an attempt that starts now is a probe.
func (b *Breaker) Probing() bool { return b.state != BreakerClosed }

// Doubtful reports whether the endpoint has failed since the last successful delivery.
func (b *Breaker) Doubtful() bool {
	return b.state != BreakerClosed || slices.ContainsFunc(b.streak, func(entry streakEntry) bool { return entry.endpoint })
}

// Delivered records a success. closed means that it closed the breaker, which only the success of a probe does: an attempt
// from before says nothing about the present.
func (b *Breaker) Delivered(concurrency int, probe bool) (closed bool) {
	if b.state != BreakerClosed {
		if probe {
			b.close()
		}
		return probe
	}
	b.streak = b.streak[:0]
	if b.ramp > 0 {
		if b.ramp *= 2; b.ramp >= concurrency {
			b.ramp = 0
		}
	}
	return false
}

// Failed records an event's failure. endpoint means that the endpoint was the cause, and probe that the attempt was a probe.
//
// If this failure opened the breaker, opened holds the distinct events that failed since the last success, whose steps are
// given back. The slice is valid until the next call. closed means that the failed probe closed the breaker all the same.
func (b *Breaker) Failed(at Position, endpoint, probe bool, now time.Time) (opened []Position, closed bool) {
	if b.state != BreakerClosed {
		return nil, probe && b.probeFailed(at, endpoint, now)
	}
	b.note(at, endpoint)
	endpointFailures := 0
	for _, entry := range b.streak {
		if entry.endpoint {
			endpointFailures++
		}
	}
	if endpointFailures < EndpointFailuresToOpen && len(b.streak) < AnyFailuresToOpen {
		return nil, false
	}
	for _, entry := range b.streak {
		opened = append(opened, entry.position)
	}
	b.streak = b.streak[:0]
	b.refused = endpointFailures < EndpointFailuresToOpen
	b.open(FirstProbeWait, now)
	return opened, false
}

// SlowDown records that the endpoint asked for a pause. asked is its length; if it is 0, the length doubles each time. trial
// means that the attempt was started while the breaker was not closed. Attempts that were under way together count as one
// request for a pause, which doubles nothing.
func (b *Breaker) SlowDown(asked time.Duration, trial bool, now time.Time) {
	if asked <= 0 {
		if b.state != BreakerHolding || trial || b.slow == 0 {
			b.slow = min(max(2*b.slow, DefaultRetryAfter), MaxProbeWait)
		}
		asked = b.slow
	}
	b.Hold(Hold{Until: now.Add(ClampRetryAfter(asked)), Wait: b.slow})
}

// Hold stops all attempts until a hold ends. A longer hold stays in force.
func (b *Breaker) Hold(h Hold) {
	b.slow = h.Wait
	if b.state == BreakerHolding && h.Until.Before(b.resumeAt) {
		return
	}
	b.state, b.resumeAt = BreakerHolding, h.Until
}

// Held returns the hold to store, with a reason; the zero hold when there is none.
func (b *Breaker) Held(reason string) Hold {
	if b.state != BreakerHolding {
		return Hold{}
	}
	return Hold{Kind: HoldSlowDown, Until: b.resumeAt, Reason: reason, Wait: b.slow}
}

// ClockSet continues with the time that is left after a clock was set.
func (b *Breaker) ClockSet(now time.Time) { b.resumeAt = Rebase(b.resumeAt, now) }

// Reset closes the breaker at once, because a person resumed the subscription or changed its target.
func (b *Breaker) Reset() {
	b.streak = b.streak[:0]
	b.close()
}

func (b *Breaker) close() {
	b.state, b.resumeAt, b.wait, b.slow, b.ramp, b.refused = BreakerClosed, time.Time{}, 0, 0, 1, false
}

func (b *Breaker) open(wait time.Duration, now time.Time) {
	b.state, b.wait, b.resumeAt = BreakerOpen, wait, now.Add(wait)
}

// probeFailed keeps the breaker open. The exception is an endpoint that had failed and now responds: it is back, and its
// refusal concerns only this event.
func (b *Breaker) probeFailed(at Position, endpoint bool, now time.Time) (closed bool) {
	if !endpoint && !b.refused {
		b.close()
		b.note(at, false)
		return true
	}
	b.open(min(max(b.wait*2, FirstProbeWait), MaxProbeWait), now)
	return false
}

func (b *Breaker) note(at Position, endpoint bool) {
	for i := range b.streak {
		if b.streak[i].position == at {
			b.streak[i].endpoint = b.streak[i].endpoint || endpoint
			return
		}
	}
	b.streak = append(b.streak, streakEntry{at, endpoint})
}
