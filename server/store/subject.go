package store

import (
	"context"
	"fmt"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// subjectStep is the number of positions that one transaction indexes.
	subjectStep = 500
	// subjectLag is the number of positions by which the index may stay behind the head. Beyond it, indexing no longer waits
	// until the writer is idle.
	subjectLag = 40 * subjectStep
)

// indexSubjects brings the subject index a step closer to the head when the writer has nothing else to do. So an append does
// not have to write a third index. done is false when there was nothing to do.
func (w *writer) indexSubjects(ctx context.Context) (done bool) {
	mark := gateway.Position(w.subjectMark.Load())
	if mark >= w.subjectsTo {
		// No event after the mark has a subject, so there is nothing to write.
		w.subjectMark.Store(w.head.Load())
		return false
	}
	to := min(mark+subjectStep, w.Head())
	if err := w.indexSubjectsTo(ctx, mark, to); err != nil {
		w.cfg.Logger.Warn("index subjects", "error", err)
		return false
	}
	w.subjectMark.Store(int64(to))
	return true
}

func (w *writer) indexSubjectsTo(ctx context.Context, mark, to gateway.Position) error {
	tx, err := w.db.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer rollback(tx)
	_, err = tx.ExecContext(ctx, w.db.bind(`insert into event_subject (position, tenant_id, subject)
		select position, tenant_id, subject from event where position > ? and position <= ? and subject is not null`), int64(mark), int64(to))
	if err != nil {
		return fmt.Errorf("insert subjects: %w", err)
	}
	if _, err = tx.ExecContext(ctx, w.db.bind(`update log set subject_mark = ? where shard = ?`), int64(to), shard); err != nil {
		return fmt.Errorf("store subject mark: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	w.walWritten += 64 << 10
	return nil
}

// positionsBySubject reads the few newest events from the log and all others from the index.
func (s *Store) positionsBySubject(ctx context.Context, q EventQuery, span positionSpan) ([]gateway.Position, gateway.Position, error) {
	mark := gateway.Position(s.subjectMark.Load())
	fresh, err := s.positions(ctx, `select position from event where position > ? and position <= ? and `+scannedTenant+` and subject = ?
		order by position desc limit ?`, int64(max(mark, span.after)), int64(span.upTo), int64(q.Tenant), q.Subject, q.Limit)
	if err != nil || len(fresh) == q.Limit {
		return fresh, bottomOf(fresh, q.Limit, span.after+1), err
	}
	indexed, err := s.positions(ctx, `select position from event_subject where tenant_id = ? and subject = ? and position > ? and position <= ?
		order by position desc limit ?`, int64(q.Tenant), q.Subject, int64(span.after), int64(min(mark, span.upTo)), q.Limit-len(fresh))
	all := append(fresh, indexed...)
	return all, bottomOf(all, q.Limit, span.after+1), err
}
