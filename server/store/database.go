package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"

	"github.com/postrider-dev/postrider/ent/migrations"
)

// database is one open database of either dialect: a single connection for writes, a pool of connections for reads, and the
// lock that excludes every other process.
type database struct {
	dialect        string
	writer, reader *sql.DB
	// byteOrder means that text is compared byte by byte, so that the texts with a common prefix are one range of an index.
	byteOrder bool
	// wal is the path of SQLite's write-ahead log.
	wal     string
	release func() error
}

func openDatabase(ctx context.Context, cfg Config) (*database, error) {
	if strings.HasPrefix(cfg.Data, "postgres://") || strings.HasPrefix(cfg.Data, "postgresql://") {
		return openPostgres(ctx, cfg)
	}
	return openSQLite(ctx, cfg)
}

func (d *database) close() error {
	for _, db := range []*sql.DB{d.reader, d.writer} {
		if db != nil {
			_ = db.Close()
		}
	}
	return d.release()
}

// placeholder returns the placeholder of the n-th parameter, counted from 1.
func (d *database) placeholder(n int) string {
	if d.dialect == dialect.Postgres {
		return fmt.Sprintf("$%d", n)
	}
	return "?"
}

// bind rewrites the "?" placeholders of a statement for the dialect. No statement of this package has a "?" in a literal.
func (d *database) bind(query string) string {
	if d.dialect != dialect.Postgres {
		return query
	}
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		n++
		b.WriteString(d.placeholder(n))
	}
	return b.String()
}

// migrationsOf returns the migrations of one dialect.
func migrationsOf(folder string) fs.FS {
	files, err := fs.Sub(migrations.Files, folder)
	if err != nil {
		panic(err) // only for an invalid folder name
	}
	return files
}

// migrateUp applies the pending migrations.
func migrateUp(ctx context.Context, d goose.Dialect, files fs.FS, db *sql.DB) error {
	provider, err := goose.NewProvider(d, db, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if err := refuseNewer(ctx, provider); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// refuseNewer returns an error for a database that a newer version has migrated: this version does not know its tables.
func refuseNewer(ctx context.Context, provider *goose.Provider) error {
	version, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the database: %w", err)
	}
	sources := provider.ListSources()
	if newest := sources[len(sources)-1].Version; version > newest {
		return fmt.Errorf("the database is of a newer version of Postrider: its schema is %d, and this version knows up to %d; "+
			"start the newer version, or restore a backup made before it", version, newest)
	}
	return nil
}
