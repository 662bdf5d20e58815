package store

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
)

// MigrateSQLite migrates a file like Open, with the given migrations.
func MigrateSQLite(ctx context.Context, file string, files fs.FS) error {
	return migrateSQLite(ctx, file, files)
}

// LimitPages lets SQLite's file grow by at most more pages, like a disk that is nearly full. A negative number removes the
// limit.
func (s *Store) LimitPages(ctx context.Context, more int) error {
	var pages int
	if err := s.db.writer.QueryRowContext(ctx, "pragma page_count").Scan(&pages); err != nil {
		return err
	}
	if more < 0 {
		pages, more = 1<<30, 0
	}
	_, err := s.db.writer.ExecContext(ctx, fmt.Sprintf("pragma max_page_count = %d", pages+more))
	return err
}

// QueueAppend is Append without the wait for the commit, so that the writer's own goroutine can call it.
func (s *Store) QueueAppend(e NewEvent) error {
	return s.queue.pushAppend(&appendRequest{
		ctx: context.Background(), revision: s.RegistryRevision(), events: []NewEvent{e}, size: e.Event.Size(), done: make(chan struct{}),
	})
}

// OpenOverdrawn opens a store in which results, or changes, or both have used up the time they may take while appends wait.
func OpenOverdrawn(ctx context.Context, cfg Config, results, changes bool) (*Store, error) {
	shares := newShares()
	if results {
		shares.results.balance = -owedTime
	}
	if changes {
		shares.changes.balance = -owedTime
	}
	return open(ctx, cfg, shares)
}

// KeyCache is the cache of API keys.
type KeyCache struct{ cache keyCache }

// Read looks a key up as APIKeyByHash does; meanwhile runs while the key is being read from the database.
func (k *KeyCache) Read(key *gateway.APIKey, now time.Time, meanwhile func()) (cached bool) {
	_, cached, generation := k.cache.get(key.Hash, now)
	if !cached {
		meanwhile()
		k.cache.put(key, now, generation)
	}
	return cached
}

// Clear empties the cache, as a revocation does.
func (k *KeyCache) Clear() { k.cache.clear() }

// Statement is one that was run.
type Statement struct {
	Query string
	Args  []any
}

// Statements returns what ent reads while run runs.
func (s *Store) Statements(run func()) []Statement {
	before := s.read
	defer func() { s.read = before }()
	recorder := &statementRecorder{Driver: sql.OpenDB(s.db.dialect, s.db.reader)}
	s.read = ent.NewClient(ent.Driver(recorder))
	run()
	return recorder.statements
}

type statementRecorder struct {
	dialect.Driver
	statements []Statement
}

func (r *statementRecorder) Query(ctx context.Context, query string, args, v any) error {
	values, _ := args.([]any)
	r.statements = append(r.statements, Statement{query, values})
	return r.Driver.Query(ctx, query, args, v)
}
