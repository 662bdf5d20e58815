package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
)

// yieldTime bounds how long the writer yields before a group, except that a single yield may take longer.
const yieldTime = 200 * time.Microsecond

// retryResults is the wait after results could not be written, before they are tried again.
const retryResults = time.Second

// Run is the writer loop. It takes all that is queued whenever the previous commit has finished, so a group is as large
// as the load makes it and nothing ever waits for a timer. After ctx ends it commits what is left and returns nil. An
// error is fatal: what is on disk is no longer known, and the process must end.
func (s *Store) Run(ctx context.Context) error {
	// The loop outlives ctx until the queue is empty: what was accepted is committed.
	work := context.WithoutCancel(ctx)
	// A context that never ends has no channel, so whether the store stops is kept apart.
	stop, stopping := ctx.Done(), false
	for {
		if s.unsettled != nil && !s.settle(work) && !stopping {
			s.queue.refuse(away(errOutcomeUnknown))
			select {
			case <-time.After(settleEvery):
			case <-stop:
				stop, stopping = nil, true
				s.queue.close()
			}
			continue
		}
		letOthersQueue()
		g := s.queue.take(s.cfg.MaxGroupEvents, s.cfg.MaxGroupBytes, s.unsettled == nil && !time.Now().Before(s.resultsAfter))
		if !g.empty() {
			if err := s.commitAndTidy(work, g); err != nil {
				s.queue.abandon()
				return err
			}
			continue
		}
		if stopping {
			s.reportLost()
			return nil
		}
		if s.indexSubjects(work) || s.removeLeftovers(work) {
			continue
		}
		select {
		case <-s.queue.wake:
		case <-s.resultsTimer():
		case <-s.refusalTimer():
			if err := s.tryWrite(work); err != nil {
				return err
			}
		case <-stop:
			stop, stopping = nil, true
			s.queue.close()
			s.resultsAfter = time.Time{} // the last chance
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
func (s *Store) commitAndTidy(ctx context.Context, g group) error {
	if err := s.commit(ctx, g); err != nil {
		return err
	}
	if s.Head()-gateway.Position(s.subjectMark.Load()) > subjectLag && s.mayChange() {
		s.onChanges(func() { s.indexSubjects(ctx) })
	}
	return s.checkpoint(ctx)
}

// mayChange reports whether a change may begin: while appends wait, only as far as its share goes.
func (s *Store) mayChange() bool { return s.shares.changes.open() || !s.queue.appendsWait() }

// onChanges does work on the account of changes.
func (s *Store) onChanges(work func()) {
	began := time.Now()
	work()
	if s.queue.appendsWait() {
		s.shares.changes.spend(time.Since(began))
	}
}

// resultsTimer fires when results that could not be written may be tried again; nil when none wait for that.
func (s *Store) resultsTimer() <-chan time.Time {
	wait := time.Until(s.resultsAfter)
	if wait <= 0 {
		return nil
	}
	return time.After(wait)
}

// reportLost means that results could not be written up to the end. Their attempts will be made again.
func (s *Store) reportLost() {
	if n := s.queue.pendingResults(); n > 0 {
		s.cfg.Logger.Error("deliveries' results are lost; their attempts are made again at the next start", "results", n)
	}
}

// commit makes one group durable: appends and results in one transaction, then administrative changes each in its own.
func (s *Store) commit(ctx context.Context, g group) error {
	if len(g.appends)+len(g.results) > 0 {
		if err := s.commitGroup(ctx, g); err != nil {
			return err
		}
	}
	for n := 0; n < maxGroupChanges && s.mayChange(); n++ {
		request := s.queue.takeChange()
		if request == nil {
			return nil
		}
		if err := s.makeChange(ctx, request); err != nil {
			return err
		}
	}
	return nil
}

// makeChange makes an administrative change, unless its caller has given up on it. Only a fault that leaves open what is
// on disk is returned.
func (s *Store) makeChange(ctx context.Context, request *adminRequest) error {
	if !request.take() {
		return nil
	}
	var err error
	s.onChanges(func() { err = s.inTransaction(ctx, request.run) })
	s.noteWrite(err)
	request.done <- err
	if fatal(err) {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// inTransaction runs an administrative change in a transaction of its own.
func (s *Store) inTransaction(ctx context.Context, run func(ctx context.Context, tx *ent.Tx) error) error {
	tx, err := s.write.Tx(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := run(ctx, tx); err != nil {
		_ = tx.Rollback()
		return passing(err)
	}
	if err := tx.Commit(); err != nil {
		_ = tx.Rollback()
		return passing(err)
	}
	s.walWritten += 64 << 10
	return nil
}

// change runs an administrative change on the writer, in a transaction of its own, and waits for the commit. When ctx
// ends first the change is not made, unless it was begun: then its end is waited for, so that the outcome is known.
func (s *Store) change(ctx context.Context, run func(ctx context.Context, tx *ent.Tx) error) error {
	r := &adminRequest{run: run, done: make(chan error, 1)}
	if err := s.queue.pushAdmin(r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.take() {
			return ctx.Err()
		}
		return <-r.done
	}
}

// onCommit has f called by the writer once the transaction is committed.
func onCommit(tx *ent.Tx, f func()) {
	tx.OnCommit(func(next ent.Committer) ent.Committer {
		return ent.CommitFunc(func(ctx context.Context, tx *ent.Tx) error {
			err := next.Commit(ctx, tx)
			if err == nil {
				f()
			}
			return err
		})
	})
}

// commitGroup appends and records in one transaction. A fault fails the appends; results are kept and tried again.
func (s *Store) commitGroup(ctx context.Context, g group) error {
	if len(g.appends) > 0 {
		if err := s.writeOwed(ctx); err != nil {
			return s.groupFailed(g, err)
		}
	}
	plan := s.resolve(g.appends, nil)
	var err error
	written := 0
	if !plan.unsettled {
		written, err = s.writeGroup(ctx, &plan, g.results)
	}
	if plan.unsettled || uniqueViolation(err) {
		// An id was used before: look all of them up, settle who is a duplicate, and write again.
		plan, written, err = s.resolveStored(ctx, g)
	}
	if errors.Is(err, errOutcomeUnknown) {
		s.leaveUnsettled(plan, g.results[:written], err)
		return nil
	}
	if err != nil {
		return s.groupFailed(g, err)
	}
	s.committed(plan, g.results[:written])
	s.queue.dropResults(g.results[:written])
	if len(plan.insert)+written > 0 {
		s.noteWrite(nil)
	}
	return nil
}

func (s *Store) resolveStored(ctx context.Context, g group) (plan appendPlan, written int, err error) {
	stored, err := s.storedIdentities(ctx, g.appends)
	if err != nil {
		return plan, 0, err
	}
	plan = s.resolve(g.appends, stored)
	written, err = s.writeGroup(ctx, &plan, g.results)
	return plan, written, err
}

// groupFailed refuses a group's events; its results stay queued for later. Only a fault that leaves open what is on disk is
// returned.
func (s *Store) groupFailed(g group, err error) error {
	s.noteWrite(err)
	answer := passing(fmt.Errorf("append events: %w", err))
	for _, r := range g.appends {
		if r.err == nil {
			r.fail(answer)
		}
	}
	if fatal(err) {
		return fmt.Errorf("write: %w", err)
	}
	s.logFailure(g, err)
	if len(g.results) > 0 {
		s.resultsAfter = time.Now().Add(retryResults)
	}
	return nil
}

// logFailure logs a failed group, at most once a second: a database that is away fails every group.
func (s *Store) logFailure(g group, err error) {
	s.failures.groups++
	s.failures.events += len(g.appends)
	if now := time.Now(); now.Sub(s.failures.logged) >= time.Second {
		s.cfg.Logger.Error("write failed", "error", err,
			"groups", s.failures.groups, "publishes_refused", s.failures.events, "results_kept", len(g.results))
		s.failures = failures{logged: now}
	}
}

// committed tells everybody: first the tail, so that a publisher who has its answer finds the event, then the callers.
func (s *Store) committed(plan appendPlan, results []Result) {
	if len(plan.insert) > 0 {
		s.lastAccept = plan.accept
		s.subjectsTo = max(s.subjectsTo, plan.lastSubject)
		s.head.Store(int64(plan.head))
		s.onCommit(plan.events())
	}
	plan.answer()
	s.forms.committed()
	for i := range results {
		if results[i].Committed != nil {
			results[i].Committed()
		}
	}
}

// writeGroup is the transaction: the events, and as many of the results as their share allows. written says how many, also
// where the outcome is unknown.
func (s *Store) writeGroup(ctx context.Context, plan *appendPlan, results []Result) (written int, err error) {
	ctx, done := s.db.boundCommit(ctx)
	defer done()
	s.forms.begin()
	began := time.Now()
	tx, err := s.db.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	defer rollback(tx)
	if err := s.insertEvents(ctx, tx, plan); err != nil {
		return 0, err
	}
	inserted := time.Since(began)
	if written, err = s.insertResults(ctx, tx, results, len(plan.insert) > 0); err != nil {
		return 0, err
	}
	began = time.Now()
	if err := tx.Commit(); err != nil {
		return written, s.commitOutcome(plan, err)
	}
	s.account(plan, inserted, time.Since(began), len(results), written)
	return written, nil
}

// account shares a commit between events and results by what they wrote.
func (s *Store) account(plan *appendPlan, inserted, committed time.Duration, results, written int) {
	events, others := int64(40<<10+plan.bytes*3), int64(written*600)
	s.walWritten += events + others
	if len(plan.insert) == 0 {
		return
	}
	forResults := time.Duration(float64(committed) * float64(others) / float64(events+others))
	s.shares.results.spend(forResults)
	s.shares.served(inserted+committed-forResults, results > 0, s.queue.changesWait())
}
