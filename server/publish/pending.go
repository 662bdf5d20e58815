package publish

import (
	"context"
	"sync"
)

// maxPendingBytes bounds the size of what one connection has pending.
const maxPendingBytes = 4 << 20

// Pending holds the events that one connection has sent and that are not stored yet, in their order. One goroutine adds events. Another one
// takes all of them and stores them with one commit, while further events collect for the next commit: the faster events come, the more
// of them share a commit.
type Pending[T any] struct {
	// most is the largest number of events.
	most int

	mu     sync.Mutex
	events []T
	bytes  int
	// taken signals that there is room again.
	taken chan struct{}
}

// NewPending makes one with room for a number of events, of 4 MiB together.
func NewPending[T any](most int) *Pending[T] {
	return &Pending[T]{most: most, taken: make(chan struct{}, 1)}
}

// Add adds an event. It waits while there is no room, so its connection is not read. The error is the reason for which ctx ended.
func (p *Pending[T]) Add(ctx context.Context, event T, bytes int) error {
	for !p.add(event, bytes) {
		select {
		case <-p.taken:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// add adds an event if there is room. A single event of any size has room.
func (p *Pending[T]) add(event T, bytes int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.events) >= p.most || len(p.events) > 0 && p.bytes+bytes > maxPendingBytes {
		return false
	}
	p.events = append(p.events, event)
	p.bytes += bytes
	return true
}

// Take returns all events that are pending, and makes room for as many.
func (p *Pending[T]) Take() []T {
	p.mu.Lock()
	defer p.mu.Unlock()
	events := p.events
	p.events, p.bytes = nil, 0
	select {
	case p.taken <- struct{}{}:
	default:
	}
	return events
}
