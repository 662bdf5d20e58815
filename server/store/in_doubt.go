package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// On PostgreSQL the response to a commit can be lost with the connection. Whether the commit was made must be known before
// anything else is written. Only this process appends, so the stored head shows it.

// inDoubtRetry is the wait between two attempts to read the stored head while PostgreSQL is unavailable.
const inDoubtRetry = 200 * time.Millisecond

// inDoubtCommit is a commit that may or may not have been made. Its results are still the first in the queue.
type inDoubtCommit struct {
	plan    appendPlan
	results []Result
}

// boundCommit bounds the time of a transaction on PostgreSQL. SQLite has no connection to lose.
func (d *database) boundCommit(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.dialect != dialect.Postgres {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, commitTimeout)
}

// commitOutcome returns errOutcomeUnknown for a commit whose response was lost with the connection, and any other error
// unchanged.
func (w *writer) commitOutcome(plan *appendPlan, err error) error {
	if w.db.dialect == dialect.Postgres && len(plan.insert) > 0 && lost(err) {
		return fmt.Errorf("%w: %w", errOutcomeUnknown, err)
	}
	return err
}

// leaveInDoubt asks the publishers to repeat, which their ids make safe, and keeps what resolveInDoubt needs.
func (w *writer) leaveInDoubt(plan appendPlan, results []Result, err error) {
	for _, r := range plan.accepted {
		r.fail(unavailable(err))
	}
	w.cfg.Logger.Error("the response to a commit was lost", "error", err, "events", len(plan.insert))
	plan.accepted = nil
	w.inDoubt = &inDoubtCommit{plan, results}
}

// resolveInDoubt finds out whether the commit in doubt was made, and reports whether that is known now. A lost transaction holds
// the lock on the log's row until it has ended, so the query waits for its end.
func (w *writer) resolveInDoubt(ctx context.Context) bool {
	ctx, done := w.db.boundCommit(ctx)
	defer done()
	var head gateway.Position
	query := w.db.bind("select head from log where shard = ? for update")
	if err := w.db.writer.QueryRowContext(ctx, query, shard).Scan(&head); err != nil {
		return false
	}
	open := w.inDoubt
	w.inDoubt = nil
	w.cfg.Logger.Info("a commit whose response was lost is resolved", "events", len(open.plan.insert), "stored", head == open.plan.head)
	if head == open.plan.head {
		w.committed(open.plan, open.results)
		w.queue.dropResults(open.results)
	}
	return true
}

// lost reports whether an error comes from a lost connection or from the end of commitTimeout.
func lost(err error) bool {
	return gateway.ErrorCode(err) == gateway.CodeUnavailable || errors.Is(err, context.DeadlineExceeded)
}
