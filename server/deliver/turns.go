package deliver

import (
	"sync"
	"time"
)

// turnsCompared is how many of the lanes that wait are compared for the next turn.
const turnsCompared = 64

// turns bounds the attempts under way of all subscriptions together, since each takes a socket and the process may open
// only so many. A lane that finds no turn free keeps its events where they are and is dispatched when one is freed: first
// the lane with the fewest attempts under way, so that one with many, or with an endpoint that hangs, cannot keep the
// others out. Waiting costs no slot, no time of an attempt and is no failure.
//
// The lock is taken below a lane's.
type turns struct {
	limit int

	mu      sync.Mutex
	taken   int
	waiting map[*lane]struct{}
}

func newTurns(limit int) turns { return turns{limit: limit, waiting: map[*lane]struct{}{}} }

// take reports whether an attempt of the lane may begin. When it may not, the lane is dispatched once it may. l.mu is held.
func (t *turns) take(l *lane) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case l.granted:
		l.granted = false
	case t.limit == 0, t.taken < t.limit && len(t.waiting) == 0:
		t.taken++
	default:
		t.waiting[l] = struct{}{}
		return false
	}
	l.turns++
	return true
}

// mayStart says whether an attempt may begin: it has the permit that it needs, and a turn. A permit is kept while the lane
// waits for its turn. l.mu is held.
func (l *lane) mayStart() bool {
	if !l.mayTry() {
		return false
	}
	l.queued = !l.engine.turns.take(l)
	return !l.queued
}

// give ends a turn of a lane: the next one that waits gets it. No lane's lock is held.
func (t *turns) give(l *lane) {
	for next := t.pass(l); next != nil; next = t.pass(nil) {
		if next.grant() {
			return
		}
	}
}

// pass takes a turn from a lane, if any, and returns the lane that is to have it; nil when none waits.
func (t *turns) pass(from *lane) *lane {
	t.mu.Lock()
	defer t.mu.Unlock()
	if from != nil {
		from.turns--
	}
	var next *lane
	compared := 0
	for l := range t.waiting {
		if next == nil || l.turns < next.turns {
			next = l
		}
		if compared++; compared == turnsCompared {
			break
		}
	}
	if next == nil {
		t.taken--
		return nil
	}
	delete(t.waiting, next)
	return next
}

// grant lets the lane begin one attempt, and reports whether it has.
func (l *lane) grant() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.granted, l.queued = true, false
	l.dispatch(time.Now())
	used := !l.granted
	l.granted = false
	if !l.queued && !l.searching {
		l.dropPermit()
	}
	return used
}
