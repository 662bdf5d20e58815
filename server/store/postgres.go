package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/pressly/goose/v3"
)

// advisoryLock is the key under which one process holds a PostgreSQL database: "postride" in ASCII.
const advisoryLock = 0x706f737472696465

// comparesBytes asks whether text is compared byte by byte. The name alone does not tell: where ICU collates, it is
// that of another collation; but no language puts "B" before "a" and "_" between them.
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
	if d.writer, err = sql.Open("pgx", cfg.Data); err != nil {
		return nil, errors.New("open PostgreSQL: the URL is not valid")
	}
	d.writer.SetMaxOpenConns(2) // the lock holds one
	if d.reader, err = sql.Open("pgx", cfg.Data); err != nil {
		return nil, errors.New("open PostgreSQL: the URL is not valid")
	}
	d.reader.SetMaxOpenConns(readers)
	d.reader.SetMaxIdleConns(readers)
	if d.release, err = lockPostgres(ctx, d.writer); err != nil {
		return nil, err
	}
	if err := migrateUp(ctx, goose.DialectPostgres, migrationsOf("postgres"), d.writer); err != nil {
		return nil, err
	}
	if err := d.reader.QueryRowContext(ctx, comparesBytes).Scan(&d.byteOrder); err != nil {
		return nil, fmt.Errorf("read collation: %w", err)
	}
	return d, nil
}

// lockPostgres keeps a second server out, for as long as the connection lives.
func lockPostgres(ctx context.Context, db *sql.DB) (release func() error, err error) {
	none := func() error { return nil }
	conn, err := db.Conn(ctx)
	if err != nil {
		return none, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	// A server that was killed a moment ago may still be holding it.
	for range 20 {
		var taken bool
		if err := conn.QueryRowContext(ctx, "select pg_try_advisory_lock($1)", int64(advisoryLock)).Scan(&taken); err != nil {
			_ = conn.Close()
			return none, fmt.Errorf("lock PostgreSQL database: %w", err)
		}
		if taken {
			return conn.Close, nil
		}
		select {
		case <-ctx.Done():
			_ = conn.Close()
			return none, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	_ = conn.Close()
	return none, errors.New("the PostgreSQL database is in use: another postrider serves from it")
}
