package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// TestNewerDatabaseIsRefused migrates the database as a newer version would.
func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, cfg store.Config) {
		serve(t, cfg).stop()
		execute(t, raw(t, cfg), "insert into goose_db_version (version_id, is_applied) values (20990101000000, true)")
		_, err := store.Open(context.Background(), cfg)
		if err == nil || !strings.Contains(err.Error(), "newer version of Postrider: its schema is 20990101000000") {
			t.Errorf("open: %v", err)
		}
	})
}

// TestPostgresRestart restarts PostgreSQL again and again, between writes and during them. Publishers are asked to try
// again, nothing is lost or stored twice, and no second server can start.
func TestPostgresRestart(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	own := newPostgres(t)
	cfg := store.Config{Data: own.url, Keyring: keyring(t)}
	w := serve(t, cfg)
	stop, stopped := make(chan struct{}), make(chan map[string]bool)
	go func() { stopped <- w.publishUntil(stop) }()
	for range 3 {
		own.stop("fast")
		own.start()
		own.stop("immediate")
		own.start()
		w.publishOnceBack("between")
	}
	own.stop("fast")
	if err := w.tryPublish("away", 10); gateway.ErrorCode(err) != gateway.CodeUnavailable || retryAfter(err) == 0 {
		t.Errorf("publish while PostgreSQL is down: %v, want unavailable with a hint", err)
	}
	if _, err := w.ReadAfter(context.Background(), 0, 1, 0); gateway.ErrorCode(err) != gateway.CodeUnavailable {
		t.Errorf("read while PostgreSQL is down: %v, want unavailable", err)
	}
	own.start()
	w.publishOnceBack("after")
	close(stop)
	acknowledged := <-stopped

	if _, err := store.Open(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "in use: another postrider serves from it") {
		t.Errorf("second open after the restarts: %v", err)
	}
	events, err := w.ReadAfter(context.Background(), 0, 1_000_000, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if e.Position != gateway.Position(i+1) {
			t.Fatalf("event %d is at %d", i+1, e.Position)
		}
		delete(acknowledged, e.ID)
	}
	if len(acknowledged) > 0 {
		t.Errorf("accepted but not stored: %v", acknowledged)
	}
}

// retryPause keeps repeats from taking the processor that PostgreSQL needs to start.
const retryPause = 20 * time.Millisecond

// publishUntil publishes events, each as often as needed, and returns the acknowledged ids.
func (w *served) publishUntil(stop <-chan struct{}) map[string]bool {
	acknowledged := map[string]bool{}
	for i := 0; ; i++ {
		id := fmt.Sprint("evt_", i)
		for w.tryPublish(id, 10) != nil {
			select {
			case <-stop:
				return acknowledged
			case <-time.After(retryPause):
			}
		}
		acknowledged[id] = true
		select {
		case <-stop:
			return acknowledged
		default:
		}
	}
}

// publishOnceBack publishes as soon as the database accepts writes again.
func (w *served) publishOnceBack(id string) {
	w.t.Helper()
	for {
		err := w.tryPublish(id, 10)
		if err == nil {
			return
		}
		if gateway.ErrorCode(err) != gateway.CodeUnavailable {
			w.t.Fatalf("publish: %v, want unavailable until PostgreSQL is back", err)
		}
		<-time.After(retryPause)
	}
}
