// Package store is the database: the log, subscriptions, deliveries, keys and schemas. It is the only user of ent. One writer
// goroutine commits all queued writes as a group: appends first, then results of deliveries, then administrative changes.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
)

// shard is the one row of the log; sharding is for later.
const shard = 0

// Config of a store. Zero limits mean the defaults of SEMANTICS rule 5.
type Config struct {
	// Data is a folder, which then holds postrider.db (SQLite), or a postgres:// URL.
	Data string
	// Keyring seals secrets at rest.
	Keyring *seal.Keyring
	Logger  *slog.Logger
	// NoSync turns fsync off, so that a test can show that the power-cut test notices.
	NoSync bool
	// MaxGroupEvents and MaxGroupBytes bound one commit: 1,024 events, 8 MiB.
	MaxGroupEvents, MaxGroupBytes int
	// MaxQueueBytes bounds the events that wait for a commit: 64 MiB; more is resource_exhausted.
	MaxQueueBytes int
	// WriterPages and ReaderPages bound the pages that SQLite keeps in memory, in bytes: 64 MiB for the writer, and 128 MiB
	// for all connections that read, together.
	WriterPages, ReaderPages int64
	// CheckpointBytes is about how many bytes are written to SQLite's WAL between two checkpoints: 16 MiB. MaxWALBytes is
	// the size above which the file is given back: 256 MiB.
	CheckpointBytes, MaxWALBytes int64
	// MaxSubscriptions and MaxKeys bound the rows of a tenant: 2,000 subscriptions, and 1,000 keys in force, and as many that are
	// revoked. All tenants together may have five times as many.
	MaxSubscriptions, MaxKeys int
	// MaxExpressionBytes bounds the expressions of a tenant's subscriptions together: 256 KiB when 0.
	MaxExpressionBytes int
}

func (c Config) withDefaults() Config {
	if c.MaxGroupEvents == 0 {
		c.MaxGroupEvents = 1024
	}
	if c.MaxGroupBytes == 0 {
		c.MaxGroupBytes = 8 << 20
	}
	if c.MaxQueueBytes == 0 {
		c.MaxQueueBytes = 64 << 20
	}
	if c.WriterPages == 0 {
		c.WriterPages = 64 << 20
	}
	if c.ReaderPages == 0 {
		c.ReaderPages = 128 << 20
	}
	if c.CheckpointBytes == 0 {
		c.CheckpointBytes = 16 << 20
	}
	if c.MaxWALBytes == 0 {
		c.MaxWALBytes = 256 << 20
	}
	if c.MaxExpressionBytes == 0 {
		c.MaxExpressionBytes = 256 << 10
	}
	if c.MaxSubscriptions == 0 {
		c.MaxSubscriptions = 2000
	}
	if c.MaxKeys == 0 {
		c.MaxKeys = 1000
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Store is the open database.
type Store struct {
	cfg   Config
	db    *database
	write *ent.Client
	read  *ent.Client
	queue queue

	insertEvent, insertPayload, insertIdentity *bulkInsert
	insertDelivery, insertAttempt              *bulkInsert
	statements                                 statements

	head        atomic.Int64
	subjectMark atomic.Int64
	registry    atomic.Pointer[Registry]
	// refusing is why the database takes no writes for now; nil while it does.
	refusing atomic.Pointer[gateway.Error]

	// Owned by the writer loop.
	shares     shares
	lastAccept int64
	// resultsAfter is when results may be tried again that could not be written.
	resultsAfter time.Time
	// unsettled is a commit of which it is not known whether it was made; nil for none.
	unsettled  *unsettled
	failures   failures
	subjectsTo gateway.Position
	walWritten int64
	newest     map[gateway.DeliveryKey]int // kept for its memory
	step       int                         // how many results are written at once
	forms      formsWritten
	// removed are subscriptions deleted since the start: results of attempts that were still under way must not bring rows
	// back. leftovers were deleted before it and may have rows still.
	removed      map[gateway.SubscriptionID]bool
	leftovers    []gateway.SubscriptionID
	onCommit     func([]*gateway.Event)
	incarnations []gateway.IncarnationStart
	// owed is the incarnation of this start while it could not be stored.
	owed *gateway.IncarnationStart

	tenantsMu sync.RWMutex
	tenants   map[gateway.TenantID]*gateway.Tenant
	byName    map[string]*gateway.Tenant

	keys  keyCache
	ended endedSessions
}

// failures are the groups that failed since it was last logged.
type failures struct {
	logged         time.Time
	groups, events int
}

// Open brings the database up to date, takes it for this process alone and begins a new incarnation of the log.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, db: db, shares: newShares(), write: db.client(db.writer), read: db.client(db.reader),
		removed: map[gateway.SubscriptionID]bool{}, forms: formsWritten{last: map[gateway.SubscriptionID]gateway.FormDigest{}}, step: resultStep,
		tenants: map[gateway.TenantID]*gateway.Tenant{}, byName: map[string]*gateway.Tenant{},
	}
	s.queue.init(cfg)
	s.onCommit = func([]*gateway.Event) {}
	if err := s.prepare(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context) error {
	// Before anything is written: a server without its secret key must not go on.
	if err := s.checkSecretKey(ctx); err != nil {
		return err
	}
	if err := s.firstRows(ctx); err != nil {
		return fmt.Errorf("write first rows: %w", err)
	}
	if err := s.loadLog(ctx); err != nil {
		return fmt.Errorf("load log: %w", err)
	}
	if err := s.beginIncarnation(ctx); err != nil {
		return fmt.Errorf("begin incarnation: %w", err)
	}
	if err := s.loadTenants(ctx); err != nil {
		return fmt.Errorf("load tenants: %w", err)
	}
	if err := s.loadEndedSessions(ctx); err != nil {
		return fmt.Errorf("load ended sessions: %w", err)
	}
	if err := s.loadLeftovers(ctx); err != nil {
		return fmt.Errorf("load leftovers: %w", err)
	}
	if err := s.prepareStatements(ctx); err != nil {
		return fmt.Errorf("prepare statements: %w", err)
	}
	return nil
}

// Close releases the database. Run must have returned.
func (s *Store) Close() error { return s.db.close() }

// OnCommit registers the one function that is called with each committed group, in order of position, from the writer's
// goroutine, before publishers are answered. It must not block. Set it before Run.
func (s *Store) OnCommit(f func(events []*gateway.Event)) { s.onCommit = f }

// firstRows makes the log's row, the one group of subscriptions and the default tenant on a fresh database.
func (s *Store) firstRows(ctx context.Context) error {
	exists, err := s.write.EventLog.Query().Exist(ctx)
	if err != nil || exists {
		return err
	}
	tx, err := s.write.Tx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := tx.EventLog.Create().SetID(shard).Exec(ctx); err != nil {
		return err
	}
	if err := tx.SubscriptionGroup.Create().SetID(0).Exec(ctx); err != nil {
		return err
	}
	now := micros(time.Now())
	err = tx.Tenant.Create().SetName(gateway.DefaultTenant).SetDisplayName("Default").
		SetCreateTime(now).SetUpdateTime(now).Exec(ctx)
	if err != nil {
		return err
	}
	return tx.Commit()
}

func (s *Store) loadLog(ctx context.Context) error {
	row, err := s.write.EventLog.Get(ctx, shard)
	if err != nil {
		return err
	}
	s.head.Store(row.Head)
	s.subjectMark.Store(row.SubjectMark)
	s.lastAccept = row.AcceptTime
	// Whether events behind the mark have subjects is not known: look once.
	s.subjectsTo = gateway.Position(row.Head)
	return s.loadRegistry(ctx, row.RegistryRevision)
}

// beginIncarnation writes the new incarnation. SQLite cannot prove that the file is not an older copy, so every start
// begins one: cursors of events a restore has lost then never fit (SEMANTICS rule 2).
func (s *Store) beginIncarnation(ctx context.Context) error {
	rows, err := s.write.Incarnation.Query().Order(ent.Asc("first_position", "id")).All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		s.incarnations = append(s.incarnations, gateway.IncarnationStart{
			ID: gateway.Incarnation(row.Token), First: gateway.Position(row.FirstPosition),
		})
	}
	var id gateway.Incarnation
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	begun := gateway.IncarnationStart{ID: id, First: gateway.Position(s.head.Load()) + 1}
	s.incarnations = append(s.incarnations, begun)
	err = s.storeIncarnation(ctx, begun)
	if refuses(err) {
		// What is stored can be read and delivered; the writer stores it before the first event.
		s.owed = &begun
		s.noteWrite(err)
		return nil
	}
	return err
}

func (s *Store) storeIncarnation(ctx context.Context, begun gateway.IncarnationStart) error {
	return s.write.Incarnation.Create().SetToken(begun.ID[:]).SetFirstPosition(int64(begun.First)).
		SetCreateTime(micros(time.Now())).Exec(ctx)
}

// Head is the position of the newest committed event.
func (s *Store) Head() gateway.Position { return gateway.Position(s.head.Load()) }

// Marks returns the stored place that the caught-up subscriptions of each group share.
func (s *Store) Marks(ctx context.Context) (map[gateway.GroupID]gateway.Position, error) {
	rows, err := s.read.SubscriptionGroup.Query().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read marks: %w", err)
	}
	marks := make(map[gateway.GroupID]gateway.Position, len(rows))
	for _, row := range rows {
		marks[gateway.GroupID(row.ID)] = gateway.Position(row.Mark)
	}
	return marks, nil
}

// Cursor returns the cursor of a position, in the incarnation it was written in: a repeated publish returns the cursor of
// the first one, restarts or not.
func (s *Store) Cursor(p gateway.Position) gateway.Cursor {
	i := len(s.incarnations) - 1
	for i > 0 && p < s.incarnations[i].First {
		i--
	}
	return gateway.Cursor{Shard: shard, Incarnation: s.incarnations[i].ID, Position: p}
}

// CheckCursor returns the position to read after, and what is missing before the next event.
func (s *Store) CheckCursor(c gateway.Cursor, t *gateway.Tenant) (after gateway.Position, gap gateway.Gap) {
	return gateway.CheckCursor(c, s.incarnations, s.Head(), t.PurgedTo)
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMicro(v).UTC()
}

func optionalMicros(v *int64) time.Time {
	if v == nil {
		return time.Time{}
	}
	return fromMicros(*v)
}

// rollback ends a transaction that may have been committed.
func rollback(tx *sql.Tx) { _ = tx.Rollback() }
