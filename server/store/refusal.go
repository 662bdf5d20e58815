package store

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// tryWriteEvery is how often the writer tries to write while the database refuses writes.
	tryWriteEvery = time.Second
	// minFreeBytes is the free disk space that a store on SQLite needs to be ready.
	minFreeBytes = 1 << 20
)

// noteWrite records whether the database accepts writes, from the result of a write. Ready reports it.
func (w *writer) noteWrite(err error) {
	switch {
	case err == nil:
		if w.refusing.Load() != nil && w.refusing.Swap(nil) != nil {
			w.cfg.Logger.Info("the database takes writes again")
		}
	case refuses(err):
		var refusal *gateway.Error
		if errors.As(translate(err), &refusal) && w.refusing.Swap(refusal) == nil {
			w.cfg.Logger.Error("the database takes no writes; publishers are asked to try again", "error", err)
		}
	}
}

// refusalTimer returns a timer that fires when the next write should be tried; nil while writes are accepted.
func (w *writer) refusalTimer() <-chan time.Time {
	if w.refusing.Load() == nil {
		return nil
	}
	return time.After(tryWriteEvery)
}

// tryWrite makes a write that changes nothing, or stores the incarnation that the start could not store. It returns only
// errors after which the content of the disk is unknown (see fatal).
func (w *writer) tryWrite(ctx context.Context) error {
	err := w.storePendingIncarnation(ctx)
	if err == nil {
		_, err = w.db.writer.ExecContext(ctx, w.db.bind("update log set head = head where shard = ?"), shard)
	}
	w.noteWrite(err)
	if fatal(err) {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// storePendingIncarnation stores the incarnation that could not be stored at the start. No event is appended before it is stored.
func (w *writer) storePendingIncarnation(ctx context.Context) error {
	if w.pendingIncarnation == nil {
		return nil
	}
	if err := w.storeIncarnation(ctx, *w.pendingIncarnation); err != nil {
		return fmt.Errorf("store incarnation: %w", err)
	}
	w.pendingIncarnation = nil
	return nil
}

// Ready returns nil when the database can be read and written, otherwise an error that operators can read.
func (s *Store) Ready(ctx context.Context) error {
	if refusal := s.refusing.Load(); refusal != nil {
		return refusal
	}
	if s.db.wal != "" && freeBytes(s.cfg.Data) < minFreeBytes {
		return storageFull(nil)
	}
	var one int
	return s.db.reader.QueryRowContext(ctx, "select 1").Scan(&one)
}

// freeBytes returns the free space of a folder's disk. It returns minFreeBytes, which counts as enough, when the space is
// unknown.
func freeBytes(folder string) uint64 {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil || disk.Blocks == 0 {
		return minFreeBytes
	}
	return uint64(disk.Bavail) * uint64(disk.Bsize)
}
