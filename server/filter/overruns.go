package filter

import (
	"sync"
	"time"
)

// A filter that exceeds its budget MaxOverruns times within overrunTime is suspended.
const (
	MaxOverruns = 100
	overrunTime = time.Minute
)

// Overruns counts the events of the last minute on which a filter exceeded its budget.
type Overruns struct {
	mu    sync.Mutex
	times []time.Time
}

// TooMany records an overrun at now, and reports whether to suspend the filter. If so, the count restarts.
func (o *Overruns) TooMany(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.times = append(o.times, now)
	for now.Sub(o.times[0]) > overrunTime {
		o.times = o.times[1:]
	}
	if len(o.times) < MaxOverruns {
		return false
	}
	o.times = nil
	return true
}
