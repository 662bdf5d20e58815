package deliver

import (
	"fmt"
	"sync"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

// filterFailures are the events of a lane on which the expression of its filter failed. They are passed over, like those
// for which it is false, and counted.
type filterFailures struct {
	mu    sync.Mutex
	count int64
	last  string
	// upTo is the position of the last one: a lane may look at an event again.
	upTo gateway.Position
}

// chooses says whether an expression selects an event for the lane, and takes note of a failure.
func (l *lane) chooses(expression *filter.Expression, subject *filter.Subject) bool {
	verdict := expression.Match(subject)
	if verdict.Err != nil {
		l.failures.note(subject.Event(), verdict.Err)
	}
	return verdict.Matched
}

func (f *filterFailures) note(event *gateway.Event, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if event.Position <= f.upTo {
		return
	}
	f.upTo = event.Position
	f.count++
	f.last = fmt.Sprintf("event %s of type %s: %v", event.ID, event.Type, err)
}

func (f *filterFailures) show(health *gateway.SubscriptionHealth) {
	f.mu.Lock()
	defer f.mu.Unlock()
	health.FilterErrors, health.LastFilterError = f.count, f.last
}
