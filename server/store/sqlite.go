package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"entgo.io/ent/dialect"
	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
)

const (
	sqliteFile = "postrider.db"
	lockFile   = "lock"
	// readers is the number of connections that read in parallel.
	readers = 8
)

func openSQLite(ctx context.Context, cfg Config) (_ *database, err error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	release, err := lockFolder(cfg.Data)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(cfg.Data, sqliteFile)
	d := &database{dialect: dialect.SQLite, byteOrder: true, wal: file + "-wal", release: release}
	defer func() {
		if err != nil {
			_ = d.close()
		}
	}()
	if err := makePrivate(cfg.Data, cfg.Logger); err != nil {
		return nil, err
	}
	if err := migrateSQLite(ctx, file, migrationsOf("sqlite")); err != nil {
		return nil, err
	}
	synchronous := "FULL"
	if cfg.NoSync {
		synchronous = "OFF"
	}
	d.writer, err = openSQLiteFile(file, url.Values{
		"_synchronous": {synchronous}, "_txlock": {"immediate"}, "_foreign_keys": {"1"}, "_cache_size": {pages(cfg.WriterPages)},
	})
	if err != nil {
		return nil, err
	}
	d.writer.SetMaxOpenConns(1)
	// The writer runs checkpoints itself, between groups, after the publishers have their responses.
	if _, err := d.writer.ExecContext(ctx, "pragma wal_autocheckpoint = 0"); err != nil {
		return nil, fmt.Errorf("open %s: %w", sqliteFile, err)
	}
	d.reader, err = openSQLiteFile(file, url.Values{"_query_only": {"1"}, "_cache_size": {pages(cfg.ReaderPages / readers)}, "_stmt_cache_size": {"64"}})
	if err != nil {
		return nil, err
	}
	d.reader.SetMaxOpenConns(readers)
	d.reader.SetMaxIdleConns(readers)
	return d, nil
}

// pages returns the size of the page cache in the form that SQLite expects: negative for KiB.
func pages(bytes int64) string { return strconv.FormatInt(-max(bytes>>10, 256), 10) }

func openSQLiteFile(file string, options url.Values) (*sql.DB, error) {
	options.Set("_journal_mode", "WAL")
	options.Set("_busy_timeout", "5000")
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		// Only a fresh database accepts this pragma. In another one it is a write, which a full disk refuses.
		options.Set("_auto_vacuum", "incremental")
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: options.Encode()}).String()
	return sql.OpenDB(sqliteConnector(dsn)), nil
}

// sqliteConnector makes connections that keep the write-ahead log and its index when the last connection closes: on a full
// disk they could not be created again, and the next start would fail. The size limit empties the log on close. Otherwise
// the log would be applied to a database file that was restored from a copy.
type sqliteConnector string

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	return c.Driver().Open(string(c))
}

func (sqliteConnector) Driver() driver.Driver {
	return &sqlite3.SQLiteDriver{ConnectHook: func(conn *sqlite3.SQLiteConn) error {
		if _, err := conn.Exec("pragma journal_size_limit = 268435456", nil); err != nil {
			return err
		}
		return conn.SetFileControlInt("main", sqlite3.SQLITE_FCNTL_PERSIST_WAL, 1)
	}}
}

// migrateSQLite migrates through a connection of its own with foreign keys off. A table rebuild drops the old table. The
// PRAGMA that should keep this drop from deleting child rows does nothing inside goose's transaction.
func migrateSQLite(ctx context.Context, file string, files fs.FS) error {
	db, err := openSQLiteFile(file, url.Values{"_foreign_keys": {"0"}, "_synchronous": {"FULL"}})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if err := migrateUp(ctx, goose.DialectSQLite3, files, db); err != nil {
		return err
	}
	var broken int
	if err := db.QueryRowContext(ctx, "select count(*) from pragma_foreign_key_check").Scan(&broken); err != nil {
		return fmt.Errorf("check foreign keys: %w", err)
	}
	if broken > 0 {
		return fmt.Errorf("migration left %d rows without their parent", broken)
	}
	return nil
}

// lockFolder reserves the data folder for this process. The operating system releases the lock when the process ends, in
// whatever way.
func lockFolder(folder string) (release func() error, err error) {
	file, err := os.OpenFile(filepath.Join(folder, lockFile), os.O_CREATE|os.O_RDWR, privateMode)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("data folder %s is in use: another postrider serves from it", folder)
		}
		return nil, fmt.Errorf("lock %s: %w", folder, err)
	}
	return file.Close, nil
}

// Checkpoints. A passive checkpoint moves what no reader needs any more and waits for nobody. A truncating checkpoint waits
// for readers, but not for long: publishers wait with it, and the next checkpoint comes soon.
const (
	passiveCheckpoint  = "pragma wal_checkpoint(passive)"
	truncateCheckpoint = "pragma busy_timeout = 100; pragma wal_checkpoint(truncate); pragma busy_timeout = 5000"
)

// checkpoint moves the WAL into the database once enough was written. It runs between groups. It returns only errors after
// which the content of the disk is unknown (see fatal).
func (w *writer) checkpoint(ctx context.Context) error {
	if w.db.wal == "" || w.walWritten < w.cfg.CheckpointBytes {
		return nil
	}
	w.walWritten = 0
	statement := passiveCheckpoint
	if info, err := os.Stat(w.db.wal); err == nil && info.Size() > w.cfg.MaxWALBytes {
		statement = truncateCheckpoint
	}
	_, err := w.db.writer.ExecContext(ctx, statement)
	if fatal(err) {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err != nil {
		w.cfg.Logger.Warn("checkpoint", "error", err)
	}
	return nil
}
