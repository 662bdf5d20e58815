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

// ErrRegistryChanged is returned by Append when the schema registry changed after the events were checked. The caller checks
// them again and repeats the call.
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

// readOnly returns the error for a read-only file system. The error is transient: an operator can repair it. Nothing was
// stored.
func readOnly(cause error) *gateway.Error {
	e := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonStorageUnavailable, "the disk is read-only; nothing was stored; try again")
	e.Cause, e.RetryAfter = cause, fullRetry
	return e
}

// locked returns the error for a database that another program has locked, which is transient. Nothing was stored.
func locked(cause error) *gateway.Error {
	e := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded, "another program keeps the database locked; try again")
	e.Cause, e.RetryAfter = cause, time.Second
	return e
}

// translate converts a transient error to the one that callers get, and returns any other error unchanged.
func translate(err error) error {
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
	case errors.Is(err, context.DeadlineExceeded): // commitTimeout: the writer's context has no other deadline
		return unavailable(err)
	default:
		return err
	}
}

// noFile returns the error for a process that has no free file descriptors, which is transient. Nothing was stored.
func noFile(cause error) *gateway.Error {
	e := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded, "this server has too many files open; try again")
	e.Cause, e.RetryAfter = cause, time.Second
	return e
}

// outOfFiles reports whether the process or the machine has reached its limit of open files. SQLite opens files while it
// writes.
func outOfFiles(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) && among(lite.SystemErrno, syscall.EMFILE, syscall.ENFILE) {
		return true
	}
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// uniqueViolation reports whether a row with the same unique key exists.
func uniqueViolation(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return lite.ExtendedCode == sqlite3.ErrConstraintUnique || lite.ExtendedCode == sqlite3.ErrConstraintPrimaryKey
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// full reports whether the disk is full, or a quota or the maximum file size was reached, which is transient. SQLite has
// rolled the transaction back, unless a sync failed.
func full(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		return lite.Code == sqlite3.ErrFull ||
			!syncing(lite) && among(lite.SystemErrno, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG)
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53100"
}

// writeProtected reports whether the file system or the database files became read-only.
func writeProtected(err error) bool {
	var lite sqlite3.Error
	if !errors.As(err, &lite) || syncing(lite) {
		return false
	}
	return lite.Code == sqlite3.ErrReadonly && lite.ExtendedCode != sqlite3.ErrReadonlyDbMoved ||
		among(lite.SystemErrno, syscall.EROFS)
}

// syncing reports whether a sync failed. The content of the disk is unknown then, whatever the reason.
func syncing(err sqlite3.Error) bool {
	return err.ExtendedCode == sqlite3.ErrIoErrFsync || err.ExtendedCode == sqlite3.ErrIoErrDirFsync
}

func among(errno syscall.Errno, these ...syscall.Errno) bool {
	return errno != 0 && slices.Contains(these, errno)
}

// refuses reports whether an error means that the database accepts no writes for now.
func refuses(err error) bool { return full(err) || outOfFiles(err) || writeProtected(err) }

// fatal reports whether the content of the disk is unknown after an error. After a failed fsync the kernel may have dropped
// the pages. To go on would acknowledge events that are not stored, so the process ends and recovery starts from the file.
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
