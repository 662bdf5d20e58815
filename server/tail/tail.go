// Package tail keeps the newest events in memory. The store passes it every committed event once, in order of position.
// Deliveries and streams read from it. A reader that falls behind the oldest event in memory reads pages of the log until it has caught up.
package tail

import (
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

// DefaultBytes is the size of the part of the log in memory.
const DefaultBytes = 64 << 20

// Tail holds the newest events of the log. It is safe for concurrent use.
type Tail struct {
	maxBytes int

	mu     sync.RWMutex
	events []*gateway.Event // contiguous; the last one is the head
	bytes  int
	head   gateway.Position
	moved  chan struct{}
	passed chan struct{} // always closed
}

// New returns a Tail that begins after head and keeps at most about maxBytes, including everything that the events hold.
func New(head gateway.Position, maxBytes int) *Tail {
	t := &Tail{maxBytes: maxBytes, head: head, moved: make(chan struct{}), passed: make(chan struct{})}
	close(t.passed)
	return t
}

// Append appends one committed group, which must follow the head, and wakes all waiting readers.
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

// trim removes the oldest events. Readers may still use the slice, so its elements are not changed; they are freed when
// append allocates a new array.
func (t *Tail) trim() {
	n := 0
	for t.bytes > t.maxBytes && n < len(t.events)-1 {
		t.bytes -= t.events[n].Held()
		n++
	}
	t.events = t.events[n:]
}

// Head returns the position of the newest event.
func (t *Tail) Head() gateway.Position {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.head
}

// After returns up to max events after a position; none if it is the head. ok is false if events after it are no longer, or
// not yet, in memory: then the caller reads them from the store. The slice is shared and must not be changed.
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

// Wait returns a channel that is closed once the head is past a position. All waiting readers share it.
func (t *Tail) Wait(after gateway.Position) <-chan struct{} {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.head > after {
		return t.passed
	}
	return t.moved
}
