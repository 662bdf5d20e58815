package store

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"

	"github.com/postrider-dev/postrider/server/gateway"
)

// ErrRegistryChanged is answered by Append when the schema registry changed after the events were checked: check again
// and call again.
var ErrRegistryChanged = errors.New("schema registry changed")

func overloaded() *gateway.Error {
	e := gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonOverloaded, "too many events wait to be stored; try again")
	e.RetryAfter = time.Second
	return e
}

func storageFull(cause error) *gateway.Error {
	e := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonStorageFull, "the disk is full; nothing was stored; try again")
	e.Cause, e.RetryAfter = cause, fullRetry
	return e
}

// fullRetry is the retry hint while the database accepts no writes.
const fullRetry = 5 * time.Second

// readOnly is the error of a read-only file system, which is transient until an operator repairs it. Nothing was stored.
func readOnly(cause error) *gateway.Error {
	e := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonStorageUnavailable, "the disk is read-only; nothing was stored; try again")
	e.Cause, e.RetryAfter = cause, fullRetry
	return e
}

// locked means that another program writes to the database, a transient fault. Nothing was stored.
func locked(cause error) *gateway.Error {
	e := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded, "another program keeps the database locked; try again")
	e.Cause, e.RetryAfter = cause, time.Second
	return e
}

// passing converts a transient fault to the error that callers get, and returns any other as it is.
func passing(err error) error {
	var lite sqlite3.Error
	switch {
	case full(err):
		return storageFull(err)
	case outOfFiles(err):
		return noFile(err)
	case writeProtected(err):
		return readOnly(err)
	case errors.As(err, &lite) && lite.Code == sqlite3.ErrBusy:
		return locked(err)
	case errors.Is(err, context.DeadlineExceeded): // the time that a commit has, for the writer's context has no other
		return away(err)
	default:
		return err
	}
}

// noFile is the error of a process that has no free file descriptors, which is transient. Nothing was stored.
func noFile(cause error) *gateway.Error {
	e := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded, "this server has too many files open; try again")
	e.Cause, e.RetryAfter = cause, time.Second
	return e
}

// outOfFiles reports whether the process, or the machine, may open no more files. SQLite opens some while it writes.
func outOfFiles(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) && among(lite.SystemErrno, syscall.EMFILE, syscall.ENFILE) {
		return true
	}
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// uniqueViolation reports whether a row of that key exists already.
func uniqueViolation(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return lite.ExtendedCode == sqlite3.ErrConstraintUnique || lite.ExtendedCode == sqlite3.ErrConstraintPrimaryKey
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// full reports whether the disk is full, or a quota or the largest size of a file reached: a transient fault. SQLite has
// taken the transaction back, unless it was a sync that failed.
func full(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return lite.Code == sqlite3.ErrFull ||
			!syncing(lite) && among(lite.SystemErrno, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG)
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53100"
}

// writeProtected reports whether the database cannot be written to: the file system, or its files, became read-only.
func writeProtected(err error) bool {
	var lite sqlite3.Error
	if !errors.As(err, &lite) || syncing(lite) {
		return false
	}
	return lite.Code == sqlite3.ErrReadonly && lite.ExtendedCode != sqlite3.ErrReadonlyDbMoved ||
		among(lite.SystemErrno, syscall.EROFS)
}

// syncing reports whether it was a sync that failed: what is on disk is not known then, whatever the reason.
func syncing(err sqlite3.Error) bool {
	return err.ExtendedCode == sqlite3.ErrIoErrFsync || err.ExtendedCode == sqlite3.ErrIoErrDirFsync
}

func among(errno syscall.Errno, these ...syscall.Errno) bool {
	return errno != 0 && slices.Contains(these, errno)
}

// refuses reports whether a fault means that the database takes no writes for now.
func refuses(err error) bool { return full(err) || outOfFiles(err) || writeProtected(err) }

// fatal reports whether the fault leaves it open what is on disk. After a failed fsync the kernel may have dropped the
// pages, so going on would acknowledge what is not there: the process ends and recovery starts from the file.
func fatal(err error) bool {
	if errors.Is(err, errLogMoved) || errors.Is(err, errInUse) {
		return true
	}
	var lite sqlite3.Error
	if !errors.As(err, &lite) || refuses(err) {
		return false
	}
	switch lite.Code {
	case sqlite3.ErrIoErr, sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrCantOpen, sqlite3.ErrReadonly:
		return true
	default:
		return false
	}
}
