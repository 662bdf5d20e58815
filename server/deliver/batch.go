package deliver

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// batches hands events to a target that takes several at once, in the order in which their attempts began. One batch is under way at a
// time. The next one holds the events that are ready when it ends, so no event waits for a batch to fill. The lane's concurrency
// bounds a batch: with a concurrency of 1 the next event is handed over once the outcome of the one before it is stored.
type batches struct {
	to target.Batcher

	mu sync.Mutex
	// line holds the tickets whose events are not handed over yet, by number.
	line []*ticket
	last uint64
	busy bool
}

// ticket is an attempt's place in the order.
type ticket struct {
	number  uint64
	item    target.Item
	ready   bool
	outcome chan gateway.Outcome
}

func newBatches(to target.Batcher) *batches { return &batches{to: to} }

func (b *batches) join() *ticket {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	t := &ticket{number: b.last, outcome: make(chan gateway.Outcome, 1)}
	b.line = append(b.line, t)
	return t
}

// send waits for the outcome of an event. An attempt that is repeated uses its ticket again.
func (b *batches) send(ctx context.Context, t *ticket, item target.Item) gateway.Outcome {
	b.mu.Lock()
	t.item, t.ready = item, true
	if i, found := b.find(t); !found {
		b.line = slices.Insert(b.line, i, t)
	}
	b.mu.Unlock()
	b.next(ctx)
	return <-t.outcome
}

// drop gives up a ticket, so that the tickets behind it can go.
func (b *batches) drop(ctx context.Context, t *ticket) {
	b.mu.Lock()
	if i, found := b.find(t); found {
		b.line = slices.Delete(b.line, i, i+1)
	}
	b.mu.Unlock()
	b.next(ctx)
}

func (b *batches) find(t *ticket) (int, bool) {
	return slices.BinarySearchFunc(b.line, t, func(a, b *ticket) int { return cmp.Compare(a.number, b.number) })
}

// next starts a batch unless one is under way.
func (b *batches) next(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy {
		return
	}
	if batch := b.take(); len(batch) > 0 {
		b.busy = true
		go b.run(ctx, batch)
	}
}

// take returns the tickets at the front of the line that are ready. The caller holds b.mu.
func (b *batches) take() []*ticket {
	n := 0
	for n < len(b.line) && b.line[n].ready {
		b.line[n].ready = false
		n++
	}
	batch := slices.Clone(b.line[:n])
	b.line = slices.Delete(b.line, 0, n)
	return batch
}

func (b *batches) run(ctx context.Context, batch []*ticket) {
	items := make([]target.Item, len(batch))
	for i, t := range batch {
		items[i] = t.item
	}
	outcomes := b.to.SendBatch(ctx, items)
	b.mu.Lock()
	b.busy = false
	b.mu.Unlock()
	b.next(ctx)
	for i, t := range batch {
		t.outcome <- outcomes[i]
	}
}
