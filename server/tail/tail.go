// Package tail keeps the newest events in memory. The store passes it every committed event once, in order of position.
// Deliveries and streams read from it. A reader that falls behind the oldest event in memory reads pages of the log until it has caught up.
package tail

import (
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

// DefaultBytes is how much of the log is kept in memory.
const DefaultBytes = 64 << 20

// Tail is the newest part of the log. It is safe for concurrent use.
type Tail struct {
	maxBytes int

	mu     sync.RWMutex
	events []*gateway.Event // contiguous; the last one is the head
	bytes  int
	head   gateway.Position
	moved  chan struct{}
	passed chan struct{} // closed
}

// New makes a tail that begins after head and keeps at most about maxBytes, all that
// events hold counted.
func New(head gateway.Position, maxBytes int) *Tail {
	t := &Tail{maxBytes: maxBytes, head: head, moved: make(chan struct{}), passed: make(chan struct{})}
	close(t.passed)
	return t
}

// Append takes one committed group, which follows the head, and wakes all who wait.
func (t *Tail) Append(events []*gateway.Event) {
	if len(events) == 0 {
		return
	}
	t.mu.Lock()
	t.events = append(t.events, events...)
	for _, e := range events {
		t.bytes += e.Held()
	}
	t.head = events[len(events)-1].Position
	t.trim()
	moved := t.moved
	t.moved = make(chan struct{})
	t.mu.Unlock()
	close(moved)
}

// trim forgets the oldest events. Readers may still hold the slice they are in, so its elements stay as they are; they
// go when append moves to a new array.
func (t *Tail) trim() {
	n := 0
	for t.bytes > t.maxBytes && n < len(t.events)-1 {
		t.bytes -= t.events[n].Held()
		n++
	}
	t.events = t.events[n:]
}

// Head is the position of the newest event.
func (t *Tail) Head() gateway.Position {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.head
}

// After returns up to max events after a position, none when it is the head. ok is false when events after it are no
// longer, or not yet, kept: read them from the store. The slice is shared: do not change it.
func (t *Tail) After(p gateway.Position, max int) (events []*gateway.Event, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if p >= t.head {
		return nil, true
	}
	missing := int(t.head - p)
	if missing > len(t.events) {
		return nil, false
	}
	rest := t.events[len(t.events)-missing:]
	return rest[:min(len(rest), max):min(len(rest), max)], true
}

// Wait returns a channel that is closed once the head is past a position. All who wait share it.
func (t *Tail) Wait(after gateway.Position) <-chan struct{} {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.head > after {
		return t.passed
	}
	return t.moved
}
