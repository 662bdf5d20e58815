package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// On PostgreSQL the answer of a commit can be lost with the connection. What became of it is found out before anything
// else is written: this process alone appends, so the head tells.

// settleEvery is the wait between two attempts to find out, while PostgreSQL is away.
const settleEvery = 200 * time.Millisecond

// unsettled is a commit of which it is not known whether it was made. Its results are still the first in the queue.
type unsettled struct {
	plan    appendPlan
	results []Result
}

// boundCommit bounds a transaction on PostgreSQL. SQLite has no connection to lose.
func (d *database) boundCommit(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.dialect != dialect.Postgres {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, commitTimeout)
}

// commitOutcome says of a failed commit that its outcome is unknown, where the answer was lost with the connection.
func (w *writer) commitOutcome(plan *appendPlan, err error) error {
	if w.db.dialect == dialect.Postgres && len(plan.insert) > 0 && lost(err) {
		return fmt.Errorf("%w: %w", errOutcomeUnknown, err)
	}
	return err
}

// leaveUnsettled tells publishers to repeat, which their ids make safe, and keeps what is needed to settle the commit.
func (w *writer) leaveUnsettled(plan appendPlan, results []Result, err error) {
	for _, r := range plan.accepted {
		r.fail(away(err))
	}
	w.cfg.Logger.Error("the answer of a commit was lost", "error", err, "events", len(plan.insert))
	plan.accepted = nil
	w.unsettled = &unsettled{plan, results}
}

// settle finds out what became of the unsettled commit, and reports whether that is known now. A lost transaction holds
// the lock on the log's row until it has ended, one way or the other.
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

// lost reports whether an error came with the end of a connection, or of the time that a commit has.
func lost(err error) bool {
	return gateway.ErrorCode(err) == gateway.CodeUnavailable || errors.Is(err, context.DeadlineExceeded)
}
