package store

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
)

// writer makes all writes, on the one goroutine of its loop. Only the loop and changes (onWriter), which run on the same
// goroutine, use its fields; the Store keeps no reference to it.
type writer struct {
	*logState
	cfg        Config
	db         *database
	client     *ent.Client
	queue      *queue
	statements statements
	onCommit   func([]*gateway.Event)

	shares     shares
	lastAccept int64
	// resultsAfter is when results that could not be written may be tried again.
	resultsAfter time.Time
	// inDoubt is a commit that may or may not have been made; nil for none.
	inDoubt  *inDoubtCommit
	failures failures
	// subjectsTo is the newest event that may have a subject.
	subjectsTo gateway.Position
	// walWritten is about how many bytes were written to the WAL since the last checkpoint.
	walWritten int64
	newest     map[gateway.DeliveryKey]int // reused, to save the allocation
	step       int                         // the number of results that are written at once
	forms      pendingForms
	// removed holds subscriptions that were deleted since the start: results of attempts that were still under way must not
	// create rows again. orphans were deleted before the start; some of their rows may be left.
	removed map[gateway.SubscriptionID]bool
	orphans []gateway.SubscriptionID
	// pendingIncarnation is the incarnation of this start as long as it could not be stored.
	pendingIncarnation *gateway.IncarnationStart
}

// failures counts the groups that failed since the last log entry.
type failures struct {
	logged         time.Time
	groups, events int
}

// newWriter makes the writer of an open database. It stores the first rows of a fresh database and the new incarnation.
func newWriter(ctx context.Context, cfg Config, db *database, queue *queue, state *logState, shares shares) (*writer, error) {
	w := &writer{
		logState: state, cfg: cfg, db: db, client: db.writeClient(), queue: queue, shares: shares, step: resultStep,
		forms:   pendingForms{last: map[gateway.SubscriptionID]gateway.FormDigest{}},
		removed: map[gateway.SubscriptionID]bool{},
	}
	if err := w.firstRows(ctx); err != nil {
		return nil, fmt.Errorf("write first rows: %w", err)
	}
	if err := w.loadLog(ctx); err != nil {
		return nil, fmt.Errorf("load log: %w", err)
	}
	if err := w.beginIncarnation(ctx); err != nil {
		return nil, fmt.Errorf("begin incarnation: %w", err)
	}
	if err := w.loadOrphans(ctx); err != nil {
		return nil, fmt.Errorf("load orphans: %w", err)
	}
	var err error
	if w.statements, err = db.prepareStatements(ctx); err != nil {
		return nil, fmt.Errorf("prepare statements: %w", err)
	}
	return w, nil
}

// yieldTime bounds how long the writer yields before a group. A single yield may take longer.
const yieldTime = 200 * time.Microsecond

// retryResults is the wait before results that could not be written are tried again.
const retryResults = time.Second

// run runs the loop. It takes everything that is queued as soon as the previous commit has finished. So groups grow with the
// load, and nothing waits for a timer. onCommit is called with each committed group.
func (w *writer) run(ctx context.Context, onCommit func([]*gateway.Event)) error {
	w.onCommit = onCommit
	// The loop goes on after ctx ended until the queue is empty, so that everything accepted is committed.
	work := context.WithoutCancel(ctx)
	// stop is nil for a context that never ends, so stopping needs its own variable.
	stop, stopping := ctx.Done(), false
	for {
		if w.inDoubt != nil && !w.resolveInDoubt(work) && !stopping {
			w.queue.refuse(unavailable(errOutcomeUnknown))
			select {
			case <-time.After(inDoubtRetry):
			case <-stop:
				stop, stopping = nil, true
				w.queue.close()
			}
			continue
		}
		letOthersQueue()
		g := w.queue.take(w.cfg.MaxGroupEvents, w.cfg.MaxGroupBytes, w.inDoubt == nil && !time.Now().Before(w.resultsAfter))
		if !g.empty() {
			if err := w.commitAndTidy(work, g); err != nil {
				w.queue.abandon()
				return err
			}
			continue
		}
		if stopping {
			w.reportLost()
			return nil
		}
		if w.indexSubjects(work) || w.removeOrphans(work) {
			continue
		}
		select {
		case <-w.queue.wake:
		case <-w.resultsTimer():
		case <-w.refusalTimer():
			if err := w.tryWrite(work); err != nil {
				return err
			}
		case <-stop:
			stop, stopping = nil, true
			w.queue.close()
			w.resultsAfter = time.Time{} // try the results a last time
		}
	}
}

// letOthersQueue first lets goroutines run that are ready to publish or to report a result, so that they are part of this
// group. Under load this makes fewer and larger commits. When no goroutine is ready it returns at once, so an idle server
// responds no later. The throughput of publishing and delivering together grew by 25 % (bench/README.md).
func letOthersQueue() {
	began := time.Now()
	for n := 0; n < 4 && time.Since(began) < yieldTime; n++ {
		runtime.Gosched()
	}
}

// commitAndTidy commits one group, and then does the upkeep that must not wait until the writer is idle.
func (w *writer) commitAndTidy(ctx context.Context, g group) error {
	if err := w.commit(ctx, g); err != nil {
		return err
	}
	if w.Head()-gateway.Position(w.subjectMark.Load()) > subjectLag && w.mayChange() {
		w.onChanges(func() { w.indexSubjects(ctx) })
	}
	return w.checkpoint(ctx)
}

// mayChange reports whether a change may begin. While appends wait, changes are limited to their share.
func (w *writer) mayChange() bool { return w.shares.changes.open() || !w.queue.appendsWait() }

// onChanges runs work and charges its time to the account of changes.
func (w *writer) onChanges(work func()) {
	began := time.Now()
	work()
	if w.queue.appendsWait() {
		w.shares.changes.spend(time.Since(began))
	}
}

// resultsTimer returns a timer that fires when results that could not be written may be tried again; nil when there are
// none.
func (w *writer) resultsTimer() <-chan time.Time {
	wait := time.Until(w.resultsAfter)
	if wait <= 0 {
		return nil
	}
	return time.After(wait)
}

// reportLost logs the results that could not be written before the end. Their attempts will be made again.
func (w *writer) reportLost() {
	if n := w.queue.pendingResults(); n > 0 {
		w.cfg.Logger.Error("deliveries' results are lost; their attempts are made again at the next start", "results", n)
	}
}

// commit commits one group: appends and results in one transaction, then each administrative change in its own.
func (w *writer) commit(ctx context.Context, g group) error {
	if len(g.appends)+len(g.results) > 0 {
		if err := w.commitGroup(ctx, g); err != nil {
			return err
		}
	}
	for n := 0; n < maxGroupChanges && w.mayChange(); n++ {
		request := w.queue.takeChange()
		if request == nil {
			return nil
		}
		if err := w.makeChange(ctx, request); err != nil {
			return err
		}
	}
	return nil
}
