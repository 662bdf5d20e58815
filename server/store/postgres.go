package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
)

// advisoryLock is the key of the lock with which one process reserves a PostgreSQL database: "postride" in ASCII.
const advisoryLock = 0x706f737472696465

// comparesBytes selects whether text is compared byte by byte. The name of the collation alone is not enough, because with
// ICU it names another collation. But no natural language sorts "B" before "a" and "_" between them.
const comparesBytes = `select datcollate in ('C', 'POSIX', 'C.UTF-8', 'C.utf8')
	and text 'B' < text '_' and text '_' < text 'a' and text '-' < text '.' and text '.' < text '0'
	from pg_database where datname = current_database()`

func openPostgres(ctx context.Context, cfg Config) (_ *database, err error) {
	d := &database{dialect: dialect.Postgres, release: func() error { return nil }}
	defer func() {
		if err != nil {
			_ = d.close()
		}
	}()
	if d.writer, err = openPool(cfg.Data, session{name: "postrider " + rand.Text()}.take); err != nil {
		return nil, err
	}
	d.writer.SetMaxOpenConns(1)
	if d.reader, err = openPool(cfg.Data, nil); err != nil {
		return nil, err
	}
	d.reader.SetMaxOpenConns(readers)
	d.reader.SetMaxIdleConns(readers)
	if err := d.writer.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	if err := migrateUp(ctx, goose.DialectPostgres, migrationsOf("postgres"), d.writer); err != nil {
		return nil, err
	}
	if err := d.reader.QueryRowContext(ctx, comparesBytes).Scan(&d.byteOrder); err != nil {
		return nil, fmt.Errorf("read collation: %w", err)
	}
	return d, nil
}

// errInUse ends a server when another server writes to its database.
var errInUse = errors.New("the PostgreSQL database is in use: another postrider serves from it")

// session reserves the database for this process.
type session struct {
	// name is the application_name of the connections of this process that write. No other connection has it.
	name string
}

// take prepares every connection that writes: it takes the lock, also after a restart of PostgreSQL. The lock is held as
// long as the connection.
func (s session) take(ctx context.Context, conn *pgx.Conn) error {
	// A server that was killed a moment ago may still hold the lock.
	for range 20 {
		var taken bool
		if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", int64(advisoryLock)).Scan(&taken); err != nil {
			return fmt.Errorf("lock PostgreSQL database: %w", err)
		}
		if taken {
			_, err := conn.Exec(ctx, "select set_config('application_name', $1, false)", s.name)
			return err
		}
		if _, err := conn.Exec(ctx, endFormerSession, s.name); err != nil {
			return fmt.Errorf("end the former session: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errInUse
}

// endFormerSession ends a session of this process that PostgreSQL still considers alive. Its connection broke unnoticed, and
// the session would hold the lock until TCP times out.
const endFormerSession = `select pg_terminate_backend(pid) from pg_stat_activity
	where application_name = $1 and datname = current_database() and pid <> pg_backend_pid()`
