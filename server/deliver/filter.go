package deliver

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/match"
)

// filterFailures counts the events on which the expression of a lane's filter failed. They are skipped, like events for
// which it is false.
type filterFailures struct {
	mu    sync.Mutex
	count int64
	last  string
	// over counts the events on which the expression exceeded its budget. aside means that there were too many of them.
	over  filter.Overruns
	aside atomic.Bool
	// costlyUntil is the time until which the lane reads by itself because its expression is slow; nil when it never was.
	costlyUntil atomic.Pointer[time.Time]
	// upTo is the position of the last failure: a lane may evaluate an event again, which is no new failure.
	upTo gateway.Position
}

// chooses reports whether an expression selects an event for the lane, and records a failure.
func (l *lane) chooses(expression *filter.Expression, subject *filter.Subject) bool {
	verdict := expression.Match(subject)
	if verdict.Costly {
		l.takesLong()
	}
	if verdict.Exceeded && l.failures.over.TooMany(time.Now()) {
		l.setAside(verdict.Err)
	}
	if verdict.Err != nil {
		l.failures.note(subject.Event(), verdict.Err)
	}
	return verdict.Matched
}

// costly reports whether the lane's expression was slow recently.
func (l *lane) costly() bool {
	until := l.failures.costlyUntil.Load()
	return until != nil && time.Now().Before(*until)
}

// takesLong makes the lane read by itself for a while.
func (l *lane) takesLong() {
	until := time.Now().Add(match.CostlyFor)
	l.failures.costlyUntil.Store(&until)
}

// awaitEvents waits until there are events after a position. It returns from time to time without any, so that the caller can check
// whether the lane still runs.
func (l *lane) awaitEvents(after gateway.Position) {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-l.engine.tail.Wait(after):
	case <-timer.C:
	case <-l.engine.reading.Done():
	}
}

// setAside holds the lane until its filter is changed or it is resumed.
func (l *lane) setAside(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runnableLocked() {
		l.failures.aside.Store(true)
		l.keepLocked(gateway.Hold{Kind: gateway.HoldFilter, Reason: fmt.Sprintf("on %d events within a minute: %v", filter.MaxOverruns, err)})
	}
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
