package stream

import (
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// callerOverruns is the number of events a minute on which the filters of one caller may exceed their budget, on all of
	// its streams together. So a caller that reconnects gets a new stream, but not a new minute.
	callerOverruns = 10 * filter.MaxOverruns
	overrunsWindow = time.Minute
	// maxCallers bounds the number of callers that are remembered.
	maxCallers = 10_000
)

// overruns counts by caller the events on which filters exceeded their budget.
type overruns struct {
	mu sync.Mutex
	of map[string]*overrunCount
}

type overrunCount struct {
	since time.Time
	n     int
}

func (c *overrunCount) left(now time.Time) time.Duration { return overrunsWindow - now.Sub(c.since) }

// add counts an overrun. If there are too many, it returns how long the caller has to wait, otherwise 0.
func (o *overruns) add(caller string, now time.Time) (wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	count := o.of[caller]
	if count == nil || count.left(now) <= 0 {
		count = o.begin(caller, now)
	}
	count.n++
	if count.n <= callerOverruns {
		return 0
	}
	return count.left(now)
}

func (o *overruns) begin(caller string, now time.Time) *overrunCount {
	for other := range o.of {
		if len(o.of) < maxCallers {
			break
		}
		delete(o.of, other)
	}
	if o.of == nil {
		o.of = map[string]*overrunCount{}
	}
	count := &overrunCount{since: now}
	o.of[caller] = count
	return count
}

// overran records that a filter exceeded its budget on an event. If that ends the stream, it returns the reason, otherwise
// nil.
func (s *subscriber) overran(over error) error {
	now := time.Now()
	if wait := s.hub.overruns.add(s.request.Entry.Caller, now); wait > 0 {
		e := gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonRateLimited,
			"filters of this caller went over their budget on %d events within a minute, the last time: %v", callerOverruns, over)
		e.RetryAfter = wait
		return e
	}
	if s.request.Entry.over.TooMany(now) {
		return gateway.Errorf(gateway.CodeInvalid, gateway.ReasonInvalidFilter,
			"the filter is set aside: on %d events within a minute: %v", filter.MaxOverruns, over)
	}
	return nil
}
