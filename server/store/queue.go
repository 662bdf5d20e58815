package store

import (
	"math"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

// queue holds the requests to the writer: appends (bounded in bytes), results (bounded by the slots of subscriptions) and
// administrative changes.
type queue struct {
	mu       sync.Mutex
	wake     chan struct{}
	maxBytes int

	appends []*appendRequest
	bytes   int
	results resultQueue
	admin   []*adminRequest
	closed  bool
}

var errShuttingDown = gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "the server is stopping; try again")

func newQueue(cfg Config) *queue {
	return &queue{wake: make(chan struct{}, 1), maxBytes: cfg.MaxQueueBytes}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) pushAppend(r *appendRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errShuttingDown
	}
	if q.bytes > 0 && q.bytes+r.size > q.maxBytes {
		return overloaded()
	}
	q.appends = append(q.appends, r)
	q.bytes += r.size
	q.signal()
	return nil
}

func (q *queue) pushResults(results []Result) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.results.push(results)
	q.signal()
}

func (q *queue) pushAdmin(r *adminRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errShuttingDown
	}
	q.admin = append(q.admin, r)
	q.signal()
	return nil
}

// maxGroupChanges bounds the number of administrative changes between two groups.
const maxGroupChanges = 16

// take returns the next group: everything that is queued, up to the bounds. A request that is larger than the bounds forms a
// group of its own. Without wantResults the group has no results.
func (q *queue) take(maxEvents, maxBytes int, wantResults bool) group {
	q.mu.Lock()
	defer q.mu.Unlock()
	g := group{appends: q.takeAppends(maxEvents, maxBytes), changes: len(q.admin) > 0}
	if wantResults {
		g.results = q.results.next()
	}
	return g
}

// appendsWait reports whether a publisher is waiting for the next group.
func (q *queue) appendsWait() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.appends) > 0
}

// changesWait reports whether an administrative change is waiting.
func (q *queue) changesWait() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.admin) > 0
}

// takeChange removes and returns the next administrative change; nil when there is none.
func (q *queue) takeChange() *adminRequest {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.admin) == 0 {
		return nil
	}
	first := q.admin[0]
	q.admin[0] = nil
	q.admin = q.admin[1:]
	return first
}

func (q *queue) takeAppends(maxEvents, maxBytes int) []*appendRequest {
	n, events, bytes := 0, 0, 0
	for _, r := range q.appends {
		if n > 0 && (events+len(r.events) > maxEvents || bytes+r.size > maxBytes) {
			break
		}
		n++
		events += len(r.events)
		bytes += r.size
	}
	taken := q.appends[:n:n]
	q.appends = q.appends[n:]
	if len(q.appends) == 0 {
		q.appends = nil
	}
	q.bytes -= bytes
	return taken
}

// dropResults removes committed results, which are the first of the group that take returned.
func (q *queue) dropResults(committed []Result) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.results.drop(committed)
}

// refuse fails all waiting requests except results.
func (q *queue) refuse(err error) {
	for _, r := range q.take(math.MaxInt, math.MaxInt, false).appends {
		r.fail(err)
	}
	for r := q.takeChange(); r != nil; r = q.takeChange() {
		if r.take() {
			r.done <- err
		}
	}
}

// close refuses new appends and changes. It still accepts results of attempts that are under way.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// pendingResults returns the number of queued results.
func (q *queue) pendingResults() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.results.len()
}

// abandon fails all waiting requests, because the writer has ended.
func (q *queue) abandon() {
	q.close()
	q.refuse(errShuttingDown)
}
