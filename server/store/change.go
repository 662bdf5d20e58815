package store

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/postrider-dev/postrider/ent"
)

// adminRequest is an administrative change that waits for the writer.
type adminRequest struct {
	run func(ctx context.Context, w *writer, tx *ent.Tx) error
	// taken is set once: by the writer when it runs the request, or by the caller when it gives up.
	taken atomic.Bool
	done  chan error
}

func (r *adminRequest) take() bool { return r.taken.CompareAndSwap(false, true) }

// change runs an administrative change on the writer, in a transaction of its own, and waits for the commit. When ctx ends
// before the change has begun, the change is not made. A change that has begun is waited for, so that its outcome is known.
func (s *Store) change(ctx context.Context, run func(ctx context.Context, tx *ent.Tx) error) error {
	return s.onWriter(ctx, func(ctx context.Context, _ *writer, tx *ent.Tx) error { return run(ctx, tx) })
}

// onWriter is like change, for changes that need the state of the writer.
func (s *Store) onWriter(ctx context.Context, run func(ctx context.Context, w *writer, tx *ent.Tx) error) error {
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

// onCommit registers f, which the writer calls once the transaction is committed.
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

// makeChange makes an administrative change, unless its caller has given up. It returns only errors after which the content
// of the disk is unknown (see fatal).
func (w *writer) makeChange(ctx context.Context, request *adminRequest) error {
	if !request.take() {
		return nil
	}
	var err error
	w.onChanges(func() {
		err = w.inTransaction(ctx, func(ctx context.Context, tx *ent.Tx) error { return request.run(ctx, w, tx) })
	})
	w.noteWrite(err)
	request.done <- err
	if fatal(err) {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// inTransaction runs an administrative change in a transaction of its own.
func (w *writer) inTransaction(ctx context.Context, run func(ctx context.Context, tx *ent.Tx) error) error {
	tx, err := w.client.Tx(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := run(ctx, tx); err != nil {
		_ = tx.Rollback()
		return translate(err)
	}
	if err := tx.Commit(); err != nil {
		_ = tx.Rollback()
		return translate(err)
	}
	w.walWritten += 64 << 10
	return nil
}
