package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// group is the content of one commit. Its results stay in the queue, because the commit may leave some of them for the next
// group.
type group struct {
	appends []*appendRequest
	results []Result
	// changes means that administrative changes are waiting.
	changes bool
}

func (g group) empty() bool { return len(g.appends)+len(g.results) == 0 && !g.changes }

// commitGroup stores appends and results in one transaction. resolve (append.go) refuses single appends, such as one whose id was used
// before, without touching the others. After an error of the database all appends fail; the results are kept and tried again.
func (w *writer) commitGroup(ctx context.Context, g group) error {
	if len(g.appends) > 0 {
		if err := w.storePendingIncarnation(ctx); err != nil {
			return w.groupFailed(g, err)
		}
	}
	plan := w.resolve(g.appends, nil)
	var err error
	written := 0
	if !plan.inConflict {
		written, err = w.writeGroup(ctx, &plan, g.results)
	}
	if plan.inConflict || uniqueViolation(err) {
		// An id was used before: look up all ids of the group, find the duplicates and write again.
		plan, written, err = w.resolveStored(ctx, g)
	}
	if errors.Is(err, errOutcomeUnknown) {
		w.leaveInDoubt(plan, g.results[:written], err)
		return nil
	}
	if err != nil {
		return w.groupFailed(g, err)
	}
	w.committed(plan, g.results[:written])
	w.queue.dropResults(g.results[:written])
	if len(plan.insert)+written > 0 {
		w.noteWrite(nil)
	}
	return nil
}

func (w *writer) resolveStored(ctx context.Context, g group) (plan appendPlan, written int, err error) {
	stored, err := w.storedIdentities(ctx, g.appends)
	if err != nil {
		return plan, 0, err
	}
	plan = w.resolve(g.appends, stored)
	written, err = w.writeGroup(ctx, &plan, g.results)
	return plan, written, err
}

// writeGroup runs the transaction. It writes the events, and as many results as the share of results allows. written is the
// number of these results, also when the outcome is unknown.
func (w *writer) writeGroup(ctx context.Context, plan *appendPlan, results []Result) (written int, err error) {
	ctx, done := w.db.boundCommit(ctx)
	defer done()
	w.forms.begin()
	began := time.Now()
	tx, err := w.db.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	defer rollback(tx)
	if err := w.insertEvents(ctx, tx, plan); err != nil {
		return 0, err
	}
	inserted := time.Since(began)
	if written, err = w.insertResults(ctx, tx, results, len(plan.insert) > 0); err != nil {
		return 0, err
	}
	began = time.Now()
	if err := tx.Commit(); err != nil {
		return written, w.commitOutcome(plan, err)
	}
	w.account(plan, inserted, time.Since(began), len(results), written)
	return written, nil
}

// account divides the time of a commit between events and results by estimates of the bytes that each wrote.
func (w *writer) account(plan *appendPlan, inserted, committed time.Duration, results, written int) {
	events, others := int64(40<<10+plan.bytes*3), int64(written*600)
	w.walWritten += events + others
	if len(plan.insert) == 0 {
		return
	}
	forResults := time.Duration(float64(committed) * float64(others) / float64(events+others))
	w.shares.results.spend(forResults)
	w.shares.served(inserted+committed-forResults, results > 0, w.queue.changesWait())
}

// committed reports a commit: first to the tail, so that a publisher that has its response finds the event, then to the
// callers.
func (w *writer) committed(plan appendPlan, results []Result) {
	if len(plan.insert) > 0 {
		w.lastAccept = plan.accept
		w.subjectsTo = max(w.subjectsTo, plan.lastSubject)
		w.head.Store(int64(plan.head))
		w.onCommit(plan.events())
	}
	plan.finish()
	w.forms.committed()
	for i := range results {
		if results[i].Committed != nil {
			results[i].Committed()
		}
	}
}

// groupFailed refuses the events of a group; its results stay queued. It returns only errors after which the content of the
// disk is unknown (see fatal).
func (w *writer) groupFailed(g group, err error) error {
	w.noteWrite(err)
	refusal := translate(fmt.Errorf("append events: %w", err))
	for _, r := range g.appends {
		if r.err == nil {
			r.fail(refusal)
		}
	}
	if fatal(err) {
		return fmt.Errorf("write: %w", err)
	}
	w.logFailure(g, err)
	if len(g.results) > 0 {
		w.resultsAfter = time.Now().Add(retryResults)
	}
	return nil
}

// logFailure logs failed groups at most once a second: while the database is unavailable, every group fails.
func (w *writer) logFailure(g group, err error) {
	w.failures.groups++
	w.failures.events += len(g.appends)
	if now := time.Now(); now.Sub(w.failures.logged) >= time.Second {
		w.cfg.Logger.Error("write failed", "error", err,
			"groups", w.failures.groups, "publishes_refused", w.failures.events, "results_kept", len(g.results))
		w.failures = failures{logged: now}
	}
}

// rollback rolls a transaction back; after a commit it does nothing.
func rollback(tx *sql.Tx) { _ = tx.Rollback() }
