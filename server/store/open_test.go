package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// served is a store whose writer is running.
type served struct {
	*store.Store
	t    testing.TB
	stop func()
}

func serve(t testing.TB, cfg store.Config) *served {
	t.Helper()
	s, err := store.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	w := &served{Store: s, t: t}
	w.stop = func() {
		w.stop = func() {}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("writer: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *served) tenant() *gateway.Tenant {
	w.t.Helper()
	tenant, err := w.TenantByName(context.Background(), gateway.DefaultTenant)
	if err != nil {
		w.t.Fatal(err)
	}
	return tenant
}

func (w *served) event(id string, size int) store.NewEvent {
	e := &gateway.Event{
		Tenant: w.tenant().ID, ID: id, Type: "order.created", Source: "shop", Data: bytes.Repeat([]byte("x"), size),
	}
	sum := sha256.Sum256(e.Data)
	return store.NewEvent{Event: e, Hash: gateway.ContentHash(sum[:16]), ClientID: true}
}

func (w *served) publish(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if err := w.tryPublish(id, 100); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *served) tryPublish(id string, size int) error {
	_, err := w.Append(context.Background(), w.RegistryRevision(), []store.NewEvent{w.event(id, size)})
	return err
}

func (w *served) subscribe(change ...func(*gateway.Subscription)) *gateway.Subscription {
	w.t.Helper()
	draft := &gateway.Subscription{Tenant: w.tenant().ID, Name: "billing", TargetType: "webhook", Secret: "whsec_c2VjcmV0"}
	for _, c := range change {
		c(draft)
	}
	sub, err := w.CreateSubscription(context.Background(), draft, gateway.Start{})
	if err != nil {
		w.t.Fatal(err)
	}
	return sub
}

// barrier returns once the writer has done everything that was queued before, including a checkpoint.
func (w *served) barrier() {
	for range 2 {
		done := make(chan struct{})
		w.Record(store.Result{Committed: func() { close(done) }})
		<-done
	}
}

func deliveries(sub *gateway.Subscription, n int) []store.Result {
	results := make([]store.Result, n)
	for i := range results {
		results[i].Delivery = &gateway.Delivery{
			DeliveryKey: gateway.DeliveryKey{Subscription: sub.ID, Position: gateway.Position(i + 1)},
			Tenant:      sub.Tenant, State: gateway.DeliveryDelivered, Attempts: 1,
			Last: &gateway.Attempt{Number: 1, Outcome: gateway.Outcome{Kind: gateway.OutcomeDelivered, Status: 200}},
		}
	}
	return results
}

func (w *served) countDeliveries(sub *gateway.Subscription) int {
	w.t.Helper()
	rows, _, err := w.ListDeliveries(context.Background(), store.DeliveryQuery{Tenant: sub.Tenant, Subscription: sub.ID, Limit: 1_000_000})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(rows)
}

// raw opens the database directly, past the store.
func raw(t testing.TB, cfg store.Config) *sql.DB {
	t.Helper()
	driver, name := "sqlite3", "file:"+filepath.Join(cfg.Data, "postrider.db")+"?_foreign_keys=1"
	if strings.HasPrefix(cfg.Data, "postgres") {
		driver, name = "pgx", cfg.Data
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// dialects runs a test on both dialects.
func dialects(t *testing.T, test func(t *testing.T, cfg store.Config)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, freshSQLite(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, freshPostgres("")(t))
	})
}

func TestSecondServerIsKeptOut(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, cfg store.Config) {
		first := serve(t, cfg)
		bubble(t, func(t *testing.T) { // so that the wait for an ending session takes no time
			_, err := store.Open(context.Background(), cfg)
			if err == nil || !strings.Contains(err.Error(), "in use: another postrider serves from it") {
				t.Errorf("second open: %v", err)
			}
		})
		first.publish("still works")
		first.stop()
		serve(t, cfg).publish("after")
	})
}

// TestForeignWriterEndsTheServer appends to the log from outside: what this server knows of the log is no longer true.
func TestForeignWriterEndsTheServer(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, cfg store.Config) {
		s, err := store.Open(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		execute(t, raw(t, cfg), "update log set head = head + 5")
		w := &served{Store: s, t: t}
		ended := make(chan error, 1)
		go func() { ended <- s.Run(context.Background()) }()
		if err := w.tryPublish("a", 10); err == nil {
			t.Error("an event was accepted")
		}
		if err := <-ended; err == nil {
			t.Error("the writer ended without an error")
		}
		if err := w.tryPublish("b", 10); gateway.ErrorCode(err) != gateway.CodeUnavailable {
			t.Errorf("publish after the end: %v, want that the server is stopping", err)
		}
		if _, err := s.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}); gateway.ErrorCode(err) != gateway.CodeUnavailable {
			t.Errorf("create after the end: %v, want that the server is stopping", err)
		}
	})
}

// TestOrphansAreRemoved ends the server between the steps of a deletion.
func TestOrphansAreRemoved(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, cfg store.Config) {
		w := serve(t, cfg)
		gone := w.subscribe()
		kept := w.subscribe(func(s *gateway.Subscription) { s.Name = "kept" })
		for _, sub := range []*gateway.Subscription{gone, kept} {
			results := deliveries(sub, 6_000)
			results[7].Previous = &gateway.Attempt{Number: 1}
			w.Record(results...)
		}
		w.barrier()
		w.stop()
		db := raw(t, cfg)
		execute(t, db, fmt.Sprintf("delete from subscription where id = %d", gone.ID))
		w = serve(t, cfg)
		for table, want := range map[string]int{"delivery": 6_000, "attempt": 1} {
			var rows int
			for {
				w.barrier()
				if err := db.QueryRowContext(context.Background(), "select count(*) from "+table).Scan(&rows); err != nil {
					t.Fatal(err)
				}
				if rows <= want {
					break
				}
			}
			if rows != want || w.countDeliveries(kept) != 6_000 {
				t.Errorf("%d rows left in %s, want %d", rows, table, want)
			}
		}
	})
}
