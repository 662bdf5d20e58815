package gateway

import "time"

// HoldKind is the reason why an active subscription makes no attempts.
type HoldKind uint8

// The kinds. Values are stored.
const (
	HoldNone HoldKind = iota
	// HoldSlowDown: the endpoint asked to slow down.
	HoldSlowDown
	// HoldFilter: the filter's expression went over its bounds.
	HoldFilter
)

// Hold stops a subscription's attempts and its cursor, across restarts. It is stored with the subscription.
type Hold struct {
	Kind HoldKind `json:"kind"`
	// Until is when the hold ends by itself. If it is zero, the hold lasts until the subscription is changed or resumed.
	Until time.Time `json:"until,omitzero"`
	// Since is when the hold was stored, if it ends by itself.
	Since time.Time `json:"since,omitzero"`
	// Reason is text for people.
	Reason string `json:"reason,omitempty"`
	// Wait is the length of the hold if the endpoint named no time. The next such hold is twice as long.
	Wait time.Duration `json:"wait,omitempty"`
}

// SetAside reports whether only a change of the subscription ends the hold.
func (h Hold) SetAside() bool { return h.Kind != HoldNone && h.Until.IsZero() }

// Bound returns the hold that applies from now on. It lasts no longer from now than it lasted when it was stored, and no
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

// EndsBy reports whether a change of a subscription ends the hold, because the change affects the reason for it.
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
