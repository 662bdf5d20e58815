package rpc

import (
	"context"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/publish"
)

// publishInbox holds what one publish stream has received, and charges it to the stream's call until it is stored. One goroutine
// puts, another one takes.
type publishInbox struct {
	call    *limit.Call
	pending *publish.Pending[publish.Prepared]
	// arrived signals that there is something to take.
	arrived chan struct{}

	mu sync.Mutex
	// end is why nothing more will come; nil before.
	end error
}

func newPublishInbox(call *limit.Call) *publishInbox {
	return &publishInbox{call: call, pending: publish.NewPending[publish.Prepared](gateway.MaxBatch), arrived: make(chan struct{}, 1)}
}

// put waits for room. The error is that ctx ends first, or that there is no memory for what is pending.
func (b *publishInbox) put(ctx context.Context, one publish.Prepared) error {
	if err := b.call.Charge(one.Size()); err != nil {
		return err
	}
	if err := b.pending.Add(ctx, one, one.Size()); err != nil {
		return err
	}
	b.signal()
	return nil
}

// release gives back what was charged for a batch.
func (b *publishInbox) release(batch []publish.Prepared) {
	for _, one := range batch {
		b.call.Release(one.Size())
	}
}

// close records that nothing more comes, and why.
func (b *publishInbox) close(why error) {
	b.mu.Lock()
	b.end = why
	b.mu.Unlock()
	b.signal()
}

func (b *publishInbox) signal() {
	select {
	case b.arrived <- struct{}{}:
	default:
	}
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
		end := b.ended() // Read before Take, so that everything that was put before the end is taken.
		if batch := b.pending.Take(); len(batch) > 0 {
			return batch, nil
		}
		if end != nil {
			return nil, end
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

func (b *publishInbox) ended() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.end
}
