package store_test

import (
	"context"
	"database/sql"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	entmigrate "github.com/postrider-dev/postrider/ent/migrate"
	"github.com/postrider-dev/postrider/ent/migrations"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/store/storetest"
)

func TestDialectsHaveTheSameMigrations(t *testing.T) {
	t.Parallel()
	names := func(folder string) (names []string) {
		found, err := fs.Glob(migrations.Files, folder+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			names = append(names, strings.TrimPrefix(name, folder+"/"))
		}
		return names
	}
	if lite, pg := names("sqlite"), names("postgres"); len(lite) == 0 || !slices.Equal(lite, pg) {
		t.Errorf("sqlite has %v, postgres %v", lite, pg)
	}
}

// TestTablesAreThoseOfEnt compares a migrated database with one that ent creates from its schema.
func TestTablesAreThoseOfEnt(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		compareTables(t, dialect.SQLite, freshSQLite, `select m.name || ' ' || coalesce(c.name || ' ' || c.type || ' ' || c."notnull" || ' ' ||
			coalesce(c.dflt_value, '') || ' ' || c.pk, m.sql) from sqlite_schema m left join pragma_table_info(m.name) c on m.type = 'table'
			where m.sql is not null and m.name not like 'goose_%' and m.name not like 'sqlite_%'`)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		compareTables(t, dialect.Postgres, freshPostgres(""), `select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, is_identity)
			from information_schema.columns where table_schema = 'public' and table_name not like 'goose_%'
			union all select indexdef from pg_indexes where schemaname = 'public' and tablename not like 'goose_%'`)
	})
}

func compareTables(t *testing.T, name string, fresh storetest.Fresh, query string) {
	t.Helper()
	migrated, made := fresh(t), fresh(t)
	serve(t, migrated).stop()
	db := raw(t, made)
	if err := entmigrate.NewSchema(entsql.OpenDB(name, db)).Create(context.Background()); err != nil {
		t.Fatal(err)
	}
	got, want := lines(t, raw(t, migrated), query), lines(t, db, query)
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("only in the migrations: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("only in ent/schema: %s", line)
		}
	}
	if len(want) < 100 {
		t.Errorf("compared %d lines", len(want))
	}
}

func lines(t *testing.T, db *sql.DB, query string) (lines []string) {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// rebuild is the migration that Atlas writes when a column of an SQLite table changes. The PRAGMA does nothing inside a
// transaction.
const rebuild = `-- +goose Up
PRAGMA foreign_keys = off;
CREATE TABLE new_parent (id integer NOT NULL PRIMARY KEY, name text NOT NULL);
INSERT INTO new_parent (id, name) SELECT id, name FROM parent;
DROP TABLE parent;
ALTER TABLE new_parent RENAME TO parent;
PRAGMA foreign_keys = on;
`

const family = `-- +goose Up
CREATE TABLE parent (id integer NOT NULL PRIMARY KEY, name text NULL);
CREATE TABLE child (id integer NOT NULL PRIMARY KEY, parent_id integer NOT NULL REFERENCES parent (id) ON DELETE CASCADE);
CREATE TABLE friend (id integer NOT NULL PRIMARY KEY, parent_id integer NULL REFERENCES parent (id) ON DELETE SET NULL);
`

func TestRebuildKeepsChildren(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "family.db")
	files := fstest.MapFS{"20260101000000_family.sql": {Data: []byte(family)}}
	migrate(t, file, files)
	db := rawFile(t, file)
	execute(t, db, `insert into parent values (1, 'a'), (2, 'b')`)
	execute(t, db, `insert into child values (1, 1), (2, 1), (3, 2)`)
	execute(t, db, `insert into friend values (1, 1), (2, null)`)
	files["20260102000000_rebuild.sql"] = &fstest.MapFile{Data: []byte(rebuild)}
	migrate(t, file, files)
	for query, want := range map[string]int{
		"select count(*) from parent": 2, "select count(*) from child": 3,
		"select count(*) from friend where parent_id = 1": 1, "select count(*) from pragma_foreign_key_check": 0,
		"select count(*) from pragma_table_info('parent') where name = 'name' and \"notnull\" = 1": 1,
	} {
		if got := count(t, db, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestMigrationThatLeavesOrphansIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "family.db")
	files := fstest.MapFS{"20260101000000_family.sql": {Data: []byte(family)}}
	migrate(t, file, files)
	db := rawFile(t, file)
	execute(t, db, `insert into parent values (1, 'a')`)
	execute(t, db, `insert into child values (1, 1)`)
	files["20260102000000_forget.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nDELETE FROM parent;\n")}
	if err := store.MigrateSQLite(context.Background(), file, files); err == nil || !strings.Contains(err.Error(), "without their parent") {
		t.Errorf("migrate: %v", err)
	}
}

// TestRealTablesSurviveRebuild fills the current tables with data and rebuilds every one of them.
func TestRealTablesSurviveRebuild(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	w := serve(t, cfg)
	w.publish("a", "b", "c")
	w.Record(deliveries(w.subscribe(), 3)...)
	w.barrier()
	w.stop()
	db := raw(t, cfg)
	before := contents(t, db)
	files := fstest.MapFS{"99990101000000_rebuild.sql": {Data: []byte(rebuildAll(t, db))}}
	found, err := fs.Glob(migrations.Files, "sqlite/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(name, "sqlite/")] = &fstest.MapFile{Data: text}
	}
	migrate(t, filepath.Join(cfg.Data, "postrider.db"), files)
	after := contents(t, db)
	for table, rows := range before {
		if after[table] != rows {
			t.Errorf("%s had %d rows, has %d", table, rows, after[table])
		}
	}
	if before["event"] != 3 || before["delivery"] != 3 || before["subscription"] != 1 {
		t.Errorf("rows before: %v", before)
	}
	// Otherwise the database would be of a newer version.
	execute(t, db, "delete from goose_db_version where version_id = 99990101000000")
	w = serve(t, cfg)
	w.publish("d")
	if err := w.tryPublish("a", 101); err == nil {
		t.Error("the ids of the events are forgotten")
	}
}

// TestGroupStartsAtTheLogsMark migrates a database in which the log held the one mark of all subscriptions.
func TestGroupStartsAtTheLogsMark(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, cfg store.Config) {
		w := serve(t, cfg)
		w.publish("a", "b", "c")
		ahead, deleted := w.subscribe(), w.subscribe(named("deleted"))
		if err := w.DeleteSubscription(context.Background(), deleted.ID, 0); err != nil {
			t.Fatal(err)
		}
		w.publish("d", "e")
		w.stop()
		db := raw(t, cfg)
		for _, statement := range []string{
			"alter table subscription drop column failing", "alter table subscription drop column group_id", "delete from subscription_group", "alter table subscription_group drop column mark",
			"alter table log add column mark bigint not null default 0", "update log set mark = 4",
			"drop index delivery_tenant_id_position", "drop index delivery_tenant_id_state_position",
			"create index delivery_position on delivery (position)",
			"delete from goose_db_version where version_id >= 20261130153106",
		} {
			execute(t, db, statement)
		}
		w = serve(t, cfg)
		marks, err := w.Marks(context.Background())
		if err != nil || len(marks) != 1 || marks[0] != 4 {
			t.Errorf("marks: %v, %v", marks, err)
		}
		subs, err := w.Subscriptions(context.Background())
		if err != nil || len(subs) != 1 || subs[0].ID != ahead.ID || subs[0].Group != 0 || subs[0].Place(marks[0]) != 4 {
			t.Errorf("subscriptions: %+v, %v", subs, err)
		}
		if fresh := w.subscribe(named("fresh")); fresh.ID <= deleted.ID {
			t.Errorf("a new subscription has the id %d of one that was deleted", fresh.ID)
		}
	})
}

func named(name string) func(*gateway.Subscription) {
	return func(s *gateway.Subscription) { s.Name = name }
}

// rebuildAll returns a migration that rebuilds every table with all its indexes.
func rebuildAll(t *testing.T, db *sql.DB) string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), `select name, sql from sqlite_schema
		where type = 'table' and name not like 'sqlite_%' and name not like 'goose_%' order by name`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	statements := []string{"-- +goose Up", "PRAGMA foreign_keys = off;"}
	for rows.Next() {
		var name, create string
		if err := rows.Scan(&name, &create); err != nil {
			t.Fatal(err)
		}
		statements = append(statements,
			strings.Replace(create, "`"+name+"`", "`new_"+name+"`", 1)+";",
			"INSERT INTO `new_"+name+"` SELECT * FROM `"+name+"`;",
			"DROP TABLE `"+name+"`;", "ALTER TABLE `new_"+name+"` RENAME TO `"+name+"`;")
	}
	indexes, err := db.QueryContext(context.Background(), `select sql from sqlite_schema where type = 'index' and sql is not null`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = indexes.Close() }()
	for indexes.Next() {
		var create string
		if err := indexes.Scan(&create); err != nil {
			t.Fatal(err)
		}
		statements = append(statements, create+";")
	}
	return strings.Join(statements, "\n") + "\n"
}

func contents(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for _, table := range []string{
		"event", "event_payload", "event_id", "event_subject", "log", "incarnation", "tenant", "subscription",
		"subscription_revision", "delivery", "attempt", "request_form",
	} {
		rows[table] = count(t, db, "select count(*) from "+table)
	}
	return rows
}

func migrate(t *testing.T, file string, files fs.FS) {
	t.Helper()
	if err := store.MigrateSQLite(context.Background(), file, files); err != nil {
		t.Fatal(err)
	}
}

func rawFile(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+file+"?_foreign_keys=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func count(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
