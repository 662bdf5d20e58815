// Diff writes the migrations that bring a database from the newest stored version to the tables of ent/schema, for both
// dialects under one version. It writes nothing when there is nothing to change.
//
//	POSTRIDER_TEST_POSTGRES=postgres://… go run ./ent/migrations/diff NAME
//
// PostgreSQL is needed to replay the migrations: the program makes a database of its own there and drops it.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"time"

	atlas "ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/sqltool"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"

	"github.com/postrider-dev/postrider/ent/migrate"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./ent/migrations/diff NAME")
	}
	if err := run(context.Background(), os.Args[1], os.Getenv("POSTRIDER_TEST_POSTGRES")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, name, postgres string) error {
	if postgres == "" {
		return errors.New("POSTRIDER_TEST_POSTGRES is not set: both dialects are written together or not at all")
	}
	// Atlas opens the driver by the name "postgres".
	sql.Register("postgres", stdlib.GetDefaultDriver())
	scratch, drop, err := scratchDatabase(ctx, postgres)
	if err != nil {
		return err
	}
	defer drop()
	version := time.Now().UTC().Format("20060102150405")
	if err := diff(ctx, dialect.SQLite, "sqlite", "sqlite://file?mode=memory&_fk=1", version, name); err != nil {
		return err
	}
	return diff(ctx, dialect.Postgres, "postgres", scratch, version, name)
}

func diff(ctx context.Context, d, folder, devURL, version, name string) error {
	dir, err := sqltool.NewGooseDir("ent/migrations/" + folder)
	if err != nil {
		return fmt.Errorf("open migrations of %s: %w", d, err)
	}
	err = migrate.NamedDiff(ctx, devURL, name,
		schema.WithDir(dir),
		schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDialect(d),
		schema.WithFormatter(formatter{version}),
		schema.WithDropColumn(true),
		schema.WithDropIndex(true),
	)
	if err != nil {
		return fmt.Errorf("diff %s: %w", d, err)
	}
	return nil
}

// formatter writes goose files whose version is the same for both dialects, and forward only: what Atlas writes as the
// way back of a rebuilt SQLite table is wrong.
type formatter struct{ version string }

func (f formatter) Format(plan *atlas.Plan) ([]atlas.File, error) {
	files, err := sqltool.GooseFormatter.Format(plan)
	if err != nil {
		return nil, err
	}
	for i, file := range files {
		up, _, _ := bytes.Cut(file.Bytes(), []byte("-- +goose Down"))
		files[i] = atlas.NewLocalFile(f.version+"_"+plan.Name+".sql", up)
	}
	return files, nil
}

// scratchDatabase makes an empty database, which the replay needs.
func scratchDatabase(ctx context.Context, postgres string) (scratch string, drop func(), err error) {
	db, err := sql.Open("pgx", postgres)
	if err != nil {
		return "", nil, err
	}
	name := fmt.Sprintf("postrider_diff_%d", time.Now().UnixNano())
	if _, err := db.ExecContext(ctx, "create database "+name); err != nil {
		return "", nil, fmt.Errorf("create scratch database: %w", err)
	}
	u, err := url.Parse(postgres)
	if err != nil {
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), func() {
		if _, err := db.ExecContext(ctx, "drop database "+name+" with (force)"); err != nil {
			log.Print(err)
		}
		_ = db.Close()
	}, nil
}
