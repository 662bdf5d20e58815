package store

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
)

// queue holds what waits for the writer: appends (bounded in bytes), results (bounded by the slots of subscriptions) and
// administrative changes.
type queue struct {
	mu       sync.Mutex
	wake     chan struct{}
	maxBytes int

	appends []*appendRequest
	bytes   int
	results []Result
	admin   []*adminRequest
	closed  bool
}

type adminRequest struct {
	run func(ctx context.Context, tx *ent.Tx) error
	// taken is set once, by the writer that runs the request or by the caller who gives up on it.
	taken atomic.Bool
	done  chan error
}

func (r *adminRequest) take() bool { return r.taken.CompareAndSwap(false, true) }

var errShuttingDown = gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "the server is stopping; try again")

func (q *queue) init(cfg Config) {
	q.wake = make(chan struct{}, 1)
	q.maxBytes = cfg.MaxQueueBytes
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
	q.results = append(q.results, results...)
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

// returnResults puts results that could not be committed back in front, so that their order holds.
func (q *queue) returnResults(results []Result) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.results = append(results, q.results...)
}

// maxGroupResults bounds the results of one commit.
const maxGroupResults = 4096

// group is what one commit takes.
type group struct {
	appends []*appendRequest
	results []Result
	admin   []*adminRequest
}

func (g group) empty() bool { return len(g.appends)+len(g.results)+len(g.admin) == 0 }

// take removes the next group: all that is queued, up to the bounds. A request larger than the bounds goes alone.
// Results stay where they are unless they are wanted.
func (q *queue) take(maxEvents, maxBytes int, wantResults bool) group {
	q.mu.Lock()
	defer q.mu.Unlock()
	g := group{appends: q.takeAppends(maxEvents, maxBytes), admin: q.admin}
	q.admin = nil
	if wantResults {
		g.results = q.takeResults()
	}
	return g
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

func (q *queue) takeResults() []Result {
	n := min(len(q.results), maxGroupResults)
	taken := q.results[:n:n]
	q.results = q.results[n:]
	if len(q.results) == 0 {
		q.results = nil
	}
	return taken
}

// refuse fails everybody who waits, except for results.
func (q *queue) refuse(err error) {
	g := q.take(math.MaxInt, math.MaxInt, false)
	for _, r := range g.appends {
		r.fail(err)
	}
	for _, r := range g.admin {
		if r.take() {
			r.done <- err
		}
	}
}

// close refuses new appends and changes; results of attempts that are still under way are taken to the end.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// pendingResults is how many results wait.
func (q *queue) pendingResults() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.results)
}

// abandon answers everybody who waits: the writer has ended before their turn came.
func (q *queue) abandon(admin []*adminRequest) {
	q.close()
	q.mu.Lock()
	q.admin = append(admin, q.admin...)
	q.mu.Unlock()
	q.refuse(errShuttingDown)
}
