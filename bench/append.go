package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
)

// appenders is the number of callers that append at once. The limit puts as many rows into one transaction.
const appenders = 100

func openStore(ctx context.Context, folder string) (*store.Store, error) {
	keys, err := seal.LoadKeyring("", folder)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Config{Data: folder, Keyring: keys})
}

// appendRate measures the store: many callers, with ids from the client.
func appendRate(folder string, d time.Duration) (rate float64, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := openStore(ctx, folder)
	if err != nil {
		cancel()
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ids := newIDSource()
	loads := make([]publishLoad, appenders)
	for i := range loads {
		loads[i] = func(ctx context.Context) error {
			_, err := s.Append(ctx, s.RegistryRevision(), []store.NewEvent{newEvent(ids)})
			return err
		}
	}
	began := time.Now()
	count, err := closedLoop(loads, d)
	rate = float64(count) / time.Since(began).Seconds()
	cancel()
	if runErr := <-done; err == nil {
		err = runErr
	}
	_ = s.Close()
	return rate, err
}

func newEvent(ids *idSource) store.NewEvent {
	id := make([]byte, idWidth)
	ids.put(id)
	hash := sha256.Sum256(id)
	return store.NewEvent{
		Event: &gateway.Event{
			Tenant: 1, ID: string(id), Type: untypedType, Source: gateway.DefaultSource, Time: time.Now(), Data: []byte(untypedData),
		},
		Hash: gateway.ContentHash(hash[:16]), ClientID: true,
	}
}

// insertRate measures the limit: the same rows into the same tables and indexes with prepared statements, a hundred events
// to a transaction, the log's row first. Nothing waits.
func insertRate(folder string, d time.Duration) (rate float64, err error) {
	ctx := context.Background()
	s, err := openStore(ctx, folder) // creates the tables
	if err != nil {
		return 0, err
	}
	if err := s.Close(); err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "postrider.db")+
		"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_cache_size=-65536")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	prepared := map[string]*sql.Stmt{}
	for _, query := range insertQueries {
		if prepared[query], err = db.PrepareContext(ctx, query); err != nil {
			return 0, err
		}
	}
	ids := newIDSource()
	var rows atomic.Int64
	began := time.Now()
	for time.Since(began) < d {
		if err := insertBatch(ctx, db, prepared, ids, rows.Load()); err != nil {
			return 0, err
		}
		rows.Add(appenders)
	}
	return float64(rows.Load()) / time.Since(began).Seconds(), nil
}

const (
	insertHead     = `update log set head = head + ? where shard = 0`
	insertEventRow = `insert into event (position, tenant_id, event_id, type, source, time_seconds, time_nanos, accept_time) values (?, ?, ?, ?, ?, ?, ?, ?)`
	insertPayload  = `insert into event_payload (position, data) values (?, ?)`
	insertIdentity = `insert into event_id (position, tenant_id, event_id, hash) values (?, ?, ?, ?)`
)

var insertQueries = []string{insertHead, insertEventRow, insertPayload, insertIdentity}

func insertBatch(ctx context.Context, db *sql.DB, prepared map[string]*sql.Stmt, ids *idSource, after int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.StmtContext(ctx, prepared[insertHead]).ExecContext(ctx, appenders); err != nil {
		return err
	}
	event, payload, identity := tx.StmtContext(ctx, prepared[insertEventRow]), tx.StmtContext(ctx, prepared[insertPayload]),
		tx.StmtContext(ctx, prepared[insertIdentity])
	for i := range int64(appenders) {
		n := newEvent(ids)
		e, position := n.Event, after+i+1
		if _, err := event.ExecContext(ctx, position, 1, e.ID, e.Type, e.Source, e.Time.Unix(), e.Time.Nanosecond(), e.Time.UnixMicro()); err != nil {
			return fmt.Errorf("insert event: %w", err)
		}
		if _, err := payload.ExecContext(ctx, position, e.Data); err != nil {
			return fmt.Errorf("insert payload: %w", err)
		}
		if _, err := identity.ExecContext(ctx, position, 1, e.ID, n.Hash[:]); err != nil {
			return fmt.Errorf("insert identity: %w", err)
		}
	}
	return tx.Commit()
}
