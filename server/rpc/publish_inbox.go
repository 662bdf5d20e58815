package rpc

import (
	"context"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/publish"
)

// Bounds of the events that a publish stream has received and not stored yet. When they are reached, nothing more is read until
// some are stored.
const (
	inboxEvents = gateway.MaxBatch
	inboxBytes  = 4 << 20
)

// publishInbox holds what one stream has received, and charges it to the stream's call until it is stored. One goroutine
// puts, another one takes.
type publishInbox struct {
	call *limit.Call

	mu      sync.Mutex
	waiting []publish.Prepared
	bytes   int
	// end is why nothing more will come; nil before.
	end error
	// arrived and taken are signals.
	arrived, taken chan struct{}
}

func newPublishInbox(call *limit.Call) *publishInbox {
	return &publishInbox{call: call, arrived: make(chan struct{}, 1), taken: make(chan struct{}, 1)}
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// put waits for room. The error is that ctx ends first, or that there is no memory for what waits.
func (b *publishInbox) put(ctx context.Context, one publish.Prepared) error {
	if err := b.call.Charge(one.Size()); err != nil {
		return err
	}
	for !b.add(one) {
		select {
		case <-b.taken:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	signal(b.arrived)
	return nil
}

// release gives back what was charged for a batch.
func (b *publishInbox) release(batch []publish.Prepared) {
	for _, one := range batch {
		b.call.Release(one.Size())
	}
}

func (b *publishInbox) add(one publish.Prepared) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) >= inboxEvents || len(b.waiting) > 0 && b.bytes+one.Size() > inboxBytes {
		return false
	}
	b.waiting = append(b.waiting, one)
	b.bytes += one.Size()
	return true
}

// close records that nothing more comes, and why.
func (b *publishInbox) close(why error) {
	b.mu.Lock()
	b.end = why
	b.mu.Unlock()
	signal(b.arrived)
}

// take waits for something to arrive and returns all there is; after that, why nothing more comes. Once the server begins
// to stop, nothing is taken any more: what is not acknowledged is the client's to repeat.
func (b *publishInbox) take(ctx context.Context, stopping <-chan struct{}) ([]publish.Prepared, error) {
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if isClosed(stopping) {
			return nil, gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "the server is stopping; connect again")
		}
		if batch, err := b.remove(); len(batch) > 0 || err != nil {
			return batch, err
		}
		select {
		case <-b.arrived:
		case <-ctx.Done():
		case <-stopping:
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (b *publishInbox) remove() ([]publish.Prepared, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := b.waiting
	if len(batch) == 0 {
		return nil, b.end
	}
	b.waiting, b.bytes = nil, 0
	signal(b.taken)
	return batch, nil
}
