package store

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
)

// retryFull is the wait after the disk was full, before results are tried again.
const retryFull = time.Second

// Run is the writer loop. It takes all that is queued whenever the previous commit has finished, so a group is as large
// as the load makes it and nothing ever waits for a timer. After ctx ends it commits what is left and returns nil. An
// error is fatal: what is on disk is no longer known, and the process must end.
func (s *Store) Run(ctx context.Context) error {
	// The loop outlives ctx until the queue is empty: what was accepted is committed.
	work := context.WithoutCancel(ctx)
	stopping := ctx.Done()
	for {
		g := s.queue.take(s.cfg.MaxGroupEvents, s.cfg.MaxGroupBytes)
		if g.empty() {
			if stopping == nil {
				return nil
			}
			if s.indexSubjects(work) {
				continue
			}
			select {
			case <-s.queue.wake:
			case <-stopping:
				stopping = nil
				s.queue.close()
			}
			continue
		}
		if err := s.commit(work, g); err != nil {
			return err
		}
		s.checkpoint(work)
	}
}

// commit makes one group durable: appends and results in one transaction, then each administrative change in its own.
func (s *Store) commit(ctx context.Context, g group) error {
	if len(g.appends)+len(g.results) > 0 {
		if err := s.commitGroup(ctx, g); err != nil {
			return err
		}
	}
	for _, request := range g.admin {
		err := s.commitAdmin(ctx, request)
		request.done <- err
		if fatal(err) {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

func (s *Store) commitAdmin(ctx context.Context, r *adminRequest) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	tx, err := s.write.Tx(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := r.run(ctx, tx); err != nil {
		_ = tx.Rollback()
		return adminFault(err)
	}
	if err := tx.Commit(); err != nil {
		_ = tx.Rollback()
		return adminFault(err)
	}
	s.walWritten += 64 << 10
	return nil
}

func adminFault(err error) error {
	if full(err) {
		return storageFull(err)
	}
	return err
}

// change runs an administrative change on the writer, in a transaction of its own, and waits for the commit. A caller
// who goes away leaves a change that was begun to finish.
func (s *Store) change(ctx context.Context, run func(ctx context.Context, tx *ent.Tx) error) error {
	r := &adminRequest{ctx: ctx, run: run, done: make(chan error, 1)}
	if err := s.queue.pushAdmin(r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commitGroup appends and records in one transaction. A fault fails the appends; results are kept and tried again.
func (s *Store) commitGroup(ctx context.Context, g group) error {
	plan := s.resolve(g.appends, nil)
	var err error
	if !plan.unsettled {
		err = s.writeGroup(ctx, &plan, g.results)
	}
	if plan.unsettled || uniqueViolation(err) {
		// An id was used before: look all of them up, settle who is a duplicate, and write again.
		plan, err = s.resolveStored(ctx, g)
	}
	if err != nil {
		return s.groupFailed(ctx, g, err)
	}
	s.committed(plan, g.results)
	return nil
}

func (s *Store) resolveStored(ctx context.Context, g group) (appendPlan, error) {
	stored, err := s.storedIdentities(ctx, g.appends)
	if err != nil {
		return appendPlan{}, err
	}
	plan := s.resolve(g.appends, stored)
	return plan, s.writeGroup(ctx, &plan, g.results)
}

func (s *Store) groupFailed(ctx context.Context, g group, err error) error {
	answer := fmt.Errorf("append events: %w", err)
	if full(err) {
		answer = storageFull(err)
	}
	for _, r := range g.appends {
		if r.err == nil {
			r.fail(answer)
		}
	}
	s.queue.returnResults(g.results)
	if fatal(err) {
		return fmt.Errorf("write: %w", err)
	}
	s.cfg.Logger.Error("write failed; deliveries' results are kept and tried again", "error", err)
	if len(g.results) > 0 {
		sleep(ctx, retryFull)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
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
	for i := range results {
		if m := results[i].Mark; m > 0 {
			s.mark.Store(int64(m))
		}
		if results[i].Committed != nil {
			results[i].Committed()
		}
	}
}

// writeGroup is the transaction.
func (s *Store) writeGroup(ctx context.Context, plan *appendPlan, results []Result) error {
	tx, err := s.db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer rollback(tx)
	if err := s.insertEvents(ctx, tx, plan); err != nil {
		return err
	}
	if err := s.insertResults(ctx, tx, results); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return s.commitOutcome(ctx, plan, err)
	}
	s.walWritten += int64(40<<10 + plan.bytes*3 + len(results)*600)
	return nil
}

// commitOutcome finds out what became of a commit whose answer was lost with the connection (PostgreSQL): this process
// alone appends, so the head tells.
func (s *Store) commitOutcome(ctx context.Context, plan *appendPlan, err error) error {
	if s.db.wal != "" || len(plan.insert) == 0 {
		return err
	}
	row, readErr := s.write.EventLog.Get(ctx, shard)
	if readErr == nil && gateway.Position(row.Head) == plan.head {
		return nil
	}
	return err
}
