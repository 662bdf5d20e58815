package filter

import (
	"sync"
	"time"
)

// A filter that goes over its budget MaxOverruns times within overrunTime is set aside (SEMANTICS rule 54).
const (
	MaxOverruns = 100
	overrunTime = time.Minute
)

// Overruns are the events of the last minute on which a filter went over its budget.
type Overruns struct {
	mu    sync.Mutex
	times []time.Time
}

// TooMany records one at now, and reports whether the filter is to be set aside. It begins to count anew then.
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
