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

// settleEvery is the wait between two attempts to read the stored head while PostgreSQL is unavailable.
const settleEvery = 200 * time.Millisecond

// unsettled is a commit that may or may not have been made. Its results are still the first in the queue.
type unsettled struct {
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

// leaveUnsettled asks the publishers to repeat, which their ids make safe, and keeps what settle needs.
func (w *writer) leaveUnsettled(plan appendPlan, results []Result, err error) {
	for _, r := range plan.accepted {
		r.fail(away(err))
	}
	w.cfg.Logger.Error("the answer of a commit was lost", "error", err, "events", len(plan.insert))
	plan.accepted = nil
	w.unsettled = &unsettled{plan, results}
}

// settle finds out whether the unsettled commit was made, and reports whether that is known now. A lost transaction holds
// the lock on the log's row until it has ended, so the query waits for its end.
func (w *writer) settle(ctx context.Context) bool {
	ctx, done := w.db.boundCommit(ctx)
	defer done()
	var head gateway.Position
	query := w.db.bind("select head from log where shard = ? for update")
	if err := w.db.writer.QueryRowContext(ctx, query, shard).Scan(&head); err != nil {
		return false
	}
	open := w.unsettled
	w.unsettled = nil
	w.cfg.Logger.Info("a commit whose answer was lost is settled", "events", len(open.plan.insert), "stored", head == open.plan.head)
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
