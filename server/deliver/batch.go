package deliver

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

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
	number uint64
	item   target.Item
	ready  bool
	// deadline is the end of the time that the event may wait for a connection.
	deadline time.Time
	outcome  chan gateway.Outcome
}

func newBatches(to target.Batcher) *batches { return &batches{to: to} }

func (b *batches) join(deadline time.Time) *ticket {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	t := &ticket{number: b.last, deadline: deadline, outcome: make(chan gateway.Outcome, 1)}
	b.line = append(b.line, t)
	return t
}

// send waits for the outcome of an event, and also returns the time that the request has.
func (b *batches) send(ctx context.Context, t *ticket, item target.Item) (gateway.Outcome, time.Time) {
	b.mu.Lock()
	t.item, t.ready = item, true
	b.mu.Unlock()
	b.next(ctx)
	outcome := <-t.outcome
	return outcome, t.item.At
}

// drop gives up a ticket, so that the tickets behind it can go.
func (b *batches) drop(ctx context.Context, t *ticket) {
	b.mu.Lock()
	byNumber := func(a, b *ticket) int { return cmp.Compare(a.number, b.number) }
	if i, found := slices.BinarySearchFunc(b.line, t, byNumber); found {
		b.line = slices.Delete(b.line, i, i+1)
	}
	b.mu.Unlock()
	b.next(ctx)
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
	outcomes := b.sendAll(ctx, batch)
	b.mu.Lock()
	b.busy = false
	b.mu.Unlock()
	b.next(ctx)
	for i, t := range batch {
		t.outcome <- outcomes[i]
	}
}

// sendAll sends a batch. Events for which there is no connection wait and are sent again before any later event, so that the order
// is kept. At the deadline of the first one, the subscription pauses instead: attempts that wait hold slots and turns, and the target of a
// revision that may have changed.
func (b *batches) sendAll(ctx context.Context, batch []*ticket) []gateway.Outcome {
	outcomes := b.to.SendBatch(ctx, itemsOf(batch))
	for ctx.Err() == nil {
		unsent, at := unsentOf(batch, outcomes)
		if len(unsent) == 0 {
			break
		}
		again := make([]gateway.Outcome, len(unsent))
		if late := !time.Now().Before(unsent[0].deadline); late {
			for i := range again {
				again[i] = outcomes[at[i]]
				again[i].Kind, again[i].NoSocket = gateway.OutcomeSlowDown, false
			}
		} else {
			wait(ctx, socketWait)
			for _, t := range unsent {
				t.item.At = time.Now().UTC() // The time is signed.
			}
			again = b.to.SendBatch(ctx, itemsOf(unsent))
		}
		for i, outcome := range again {
			outcomes[at[i]] = outcome
		}
	}
	return outcomes
}

// unsentOf returns the tickets for which there was no connection, with their places in the batch.
func unsentOf(batch []*ticket, outcomes []gateway.Outcome) (unsent []*ticket, at []int) {
	for i, outcome := range outcomes {
		if outcome.NoSocket {
			unsent, at = append(unsent, batch[i]), append(at, i)
		}
	}
	return unsent, at
}

func itemsOf(batch []*ticket) []target.Item {
	items := make([]target.Item, len(batch))
	for i, t := range batch {
		items[i] = t.item
	}
	return items
}
