package store

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
)

// writer makes all writes, on the one goroutine of its loop. The Store keeps no reference to it: besides the loop, only
// changes (onWriter), which run on that goroutine, reach its fields.
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
	// resultsAfter is when results may be tried again that could not be written.
	resultsAfter time.Time
	// unsettled is a commit of which it is not known whether it was made; nil for none.
	unsettled *unsettled
	failures  failures
	// subjectsTo is the newest event that may have a subject.
	subjectsTo gateway.Position
	// walWritten is about how many bytes were written since the last checkpoint.
	walWritten int64
	newest     map[gateway.DeliveryKey]int // kept for its memory
	step       int                         // how many results are written at once
	forms      formsWritten
	// removed are subscriptions deleted since the start: results of attempts that were still under way must not bring rows
	// back. leftovers were deleted before it and may have rows still.
	removed   map[gateway.SubscriptionID]bool
	leftovers []gateway.SubscriptionID
	// owed is the incarnation of this start while it could not be stored.
	owed *gateway.IncarnationStart
}

// failures are the groups that failed since it was last logged.
type failures struct {
	logged         time.Time
	groups, events int
}

// newWriter makes the writer of an open database, and stores the first rows and the new incarnation.
func newWriter(ctx context.Context, cfg Config, db *database, queue *queue, state *logState, shares shares) (*writer, error) {
	w := &writer{
		logState: state, cfg: cfg, db: db, client: db.writeClient(), queue: queue, shares: shares, step: resultStep,
		forms:   formsWritten{last: map[gateway.SubscriptionID]gateway.FormDigest{}},
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
	if err := w.loadLeftovers(ctx); err != nil {
		return nil, fmt.Errorf("load leftovers: %w", err)
	}
	var err error
	if w.statements, err = db.prepareStatements(ctx); err != nil {
		return nil, fmt.Errorf("prepare statements: %w", err)
	}
	return w, nil
}

// yieldTime bounds how long the writer yields before a group, except that a single yield may take longer.
const yieldTime = 200 * time.Microsecond

// retryResults is the wait after results could not be written, before they are tried again.
const retryResults = time.Second

// run is the loop. It takes all that is queued whenever the previous commit has finished, so a group is as large as the
// load makes it and nothing ever waits for a timer. onCommit is called with each committed group.
func (w *writer) run(ctx context.Context, onCommit func([]*gateway.Event)) error {
	w.onCommit = onCommit
	// The loop outlives ctx until the queue is empty: what was accepted is committed.
	work := context.WithoutCancel(ctx)
	// A context that never ends has no channel, so whether the store stops is kept apart.
	stop, stopping := ctx.Done(), false
	for {
		if w.unsettled != nil && !w.settle(work) && !stopping {
			w.queue.refuse(away(errOutcomeUnknown))
			select {
			case <-time.After(settleEvery):
			case <-stop:
				stop, stopping = nil, true
				w.queue.close()
			}
			continue
		}
		letOthersQueue()
		g := w.queue.take(w.cfg.MaxGroupEvents, w.cfg.MaxGroupBytes, w.unsettled == nil && !time.Now().Before(w.resultsAfter))
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
		if w.indexSubjects(work) || w.removeLeftovers(work) {
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
			w.resultsAfter = time.Time{} // the last chance
		}
	}
}

// letOthersQueue lets goroutines that are ready to publish or to report a result run first, so that they are part of this group:
// fewer and larger commits under load. When nobody is ready it returns at once, so an idle server answers no later.
// Publish and delivery together gained 25 % with it (bench/README.md).
func letOthersQueue() {
	began := time.Now()
	for n := 0; n < 4 && time.Since(began) < yieldTime; n++ {
		runtime.Gosched()
	}
}

// commitAndTidy commits one group and then does what must not wait for an idle moment.
func (w *writer) commitAndTidy(ctx context.Context, g group) error {
	if err := w.commit(ctx, g); err != nil {
		return err
	}
	if w.Head()-gateway.Position(w.subjectMark.Load()) > subjectLag && w.mayChange() {
		w.onChanges(func() { w.indexSubjects(ctx) })
	}
	return w.checkpoint(ctx)
}

// mayChange reports whether a change may begin: while appends wait, only as far as its share goes.
func (w *writer) mayChange() bool { return w.shares.changes.open() || !w.queue.appendsWait() }

// onChanges does work on the account of changes.
func (w *writer) onChanges(work func()) {
	began := time.Now()
	work()
	if w.queue.appendsWait() {
		w.shares.changes.spend(time.Since(began))
	}
}

// resultsTimer fires when results that could not be written may be tried again; nil when none wait for that.
func (w *writer) resultsTimer() <-chan time.Time {
	wait := time.Until(w.resultsAfter)
	if wait <= 0 {
		return nil
	}
	return time.After(wait)
}

// reportLost means that results could not be written up to the end. Their attempts will be made again.
func (w *writer) reportLost() {
	if n := w.queue.pendingResults(); n > 0 {
		w.cfg.Logger.Error("deliveries' results are lost; their attempts are made again at the next start", "results", n)
	}
}

// commit makes one group durable: appends and results in one transaction, then administrative changes each in its own.
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
