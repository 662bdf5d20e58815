// Package store is the database: the log, subscriptions, deliveries, keys and schemas. It is the only user of ent. One writer
// goroutine makes all writes: queued appends and results of deliveries share a transaction, and each administrative change has its own.
package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
)

// Config is the configuration of a store. Zero limits mean the defaults.
type Config struct {
	// Data is a folder, which holds postrider.db (SQLite), or a postgres:// URL.
	Data string
	// Keyring seals secrets at rest.
	Keyring *seal.Keyring
	Logger  *slog.Logger
	// NoSync turns fsync off. It exists to show that the power-cut test detects a missing fsync.
	NoSync bool
	// MaxGroupEvents and MaxGroupBytes bound one commit; by default 1,024 events and 8 MiB.
	MaxGroupEvents, MaxGroupBytes int
	// MaxQueueBytes bounds the events that wait for a commit, by default 64 MiB. Beyond it Append returns
	// resource_exhausted.
	MaxQueueBytes int
	// WriterPages and ReaderPages bound the pages that SQLite caches in memory, in bytes; by default 64 MiB for the writer
	// and 128 MiB for all reading connections together.
	WriterPages, ReaderPages int64
	// CheckpointBytes is about how many bytes are written to SQLite's WAL between two checkpoints, by default 16 MiB.
	// MaxWALBytes is the size of the WAL file above which a checkpoint truncates it, by default 256 MiB.
	CheckpointBytes, MaxWALBytes int64
	// MaxSubscriptions and MaxKeys bound the rows of a tenant: by default 2,000 subscriptions, 1,000 keys in force and 1,000
	// revoked keys. All tenants together may have five times as many.
	MaxSubscriptions, MaxKeys int
	// MaxExpressionBytes bounds the size of all filter expressions of a tenant together; by default 256 KiB.
	MaxExpressionBytes int
	// MaxTargetBytes bounds the targets of a tenant's subscriptions together, as they are stored: 2 MiB when 0.
	MaxTargetBytes int
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
	if c.MaxTargetBytes == 0 {
		c.MaxTargetBytes = 2 << 20
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
	*logState
	cfg   Config
	db    *database
	read  *ent.Client
	queue *queue
	// run is the writer's loop.
	run      func(context.Context, func([]*gateway.Event)) error
	onCommit func([]*gateway.Event)

	tenantsMu sync.RWMutex
	tenants   map[gateway.TenantID]*gateway.Tenant
	byName    map[string]*gateway.Tenant

	keys  keyCache
	ended endedSessions
}

// Open migrates the database, reserves it for this process and begins a new incarnation of the log.
func Open(ctx context.Context, cfg Config) (*Store, error) { return open(ctx, cfg, newShares()) }

func open(ctx context.Context, cfg Config, shares shares) (*Store, error) {
	cfg = cfg.withDefaults()
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &Store{
		logState: &logState{}, cfg: cfg, db: db, read: db.readClient(), queue: newQueue(cfg), onCommit: func([]*gateway.Event) {},
		tenants: map[gateway.TenantID]*gateway.Tenant{}, byName: map[string]*gateway.Tenant{},
	}
	if err := s.prepare(ctx, shares); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context, shares shares) error {
	// Before anything is written: a server that lacks a secret key must not go on.
	if err := s.checkSecretKey(ctx); err != nil {
		return err
	}
	w, err := newWriter(ctx, s.cfg, s.db, s.queue, s.logState, shares)
	if err != nil {
		return err
	}
	s.run = w.run
	if err := s.loadTenants(ctx); err != nil {
		return fmt.Errorf("load tenants: %w", err)
	}
	if err := s.loadEndedSessions(ctx); err != nil {
		return fmt.Errorf("load ended sessions: %w", err)
	}
	return nil
}

// Close releases the database. Run must have returned.
func (s *Store) Close() error { return s.db.close() }

// OnCommit registers the one function that is called with each committed group, in order of position. It is called on the
// writer's goroutine, before publishers get their responses. It must not block. Set it before Run.
func (s *Store) OnCommit(f func(events []*gateway.Event)) { s.onCommit = f }

// Run runs the writer's loop. After ctx ends it commits what is queued and returns nil. An error is fatal: the content of
// the disk is unknown, and the process must end.
func (s *Store) Run(ctx context.Context) error { return s.run(ctx, s.onCommit) }

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
