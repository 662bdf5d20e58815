package gateway

import "time"

// HoldKind says what keeps an active subscription from attempts.
type HoldKind uint8

// The kinds. Values are stored.
const (
	HoldNone HoldKind = iota
	// HoldSlowDown: the endpoint asked to slow down.
	HoldSlowDown
	// HoldFilter: the filter's expression went over its bounds.
	HoldFilter
)

// Hold keeps a subscription's attempts and its cursor from going on, across restarts. It is stored with the subscription.
type Hold struct {
	Kind HoldKind `json:"kind"`
	// Until is when it ends by itself; zero: it lasts until the subscription is changed or resumed.
	Until time.Time `json:"until,omitzero"`
	// Since is when it was stored, if it ends by itself.
	Since time.Time `json:"since,omitzero"`
	// Reason is for a person.
	Reason string `json:"reason,omitempty"`
	// Wait is how long it is when the endpoint named no time: the next such hold is twice as long.
	Wait time.Duration `json:"wait,omitempty"`
}

// SetAside reports whether only a change of the subscription ends the hold.
func (h Hold) SetAside() bool { return h.Kind != HoldNone && h.Until.IsZero() }

// Bound returns the hold as it is to be kept from now on: it lasts no longer from now than it did when it was stored, and no
// longer than an endpoint may ask for, whatever a clock that was ahead has stored.
func (h Hold) Bound(now time.Time) Hold {
	if !h.Until.IsZero() {
		from := now
		if h.Since.After(now) {
			from = h.Since
		}
		h.Until = now.Add(min(max(Left(h.Until, from), 0), MaxRetryAfter))
	}
	h.Wait = min(max(h.Wait, 0), MaxProbeWait)
	return h
}

// EndsBy reports whether a change of a subscription ends the hold, because it changes what was held.
func (h Hold) EndsBy(before, after *Subscription) bool {
	switch h.Kind {
	case HoldSlowDown:
		return !before.SameTarget(after)
	case HoldFilter:
		return !before.Filter.Equal(after.Filter)
	default:
		return false
	}
}
