package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// TestRestoredBackup goes through a whole restore: back up, publish, restore, publish past the old head, resume.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	w := serve(t, cfg)
	w.publish("a", "b", "c")
	shared := w.Cursor(3)
	backup := filepath.Join(t.TempDir(), "backup.db")
	db := raw(t, cfg)
	execute(t, db, "vacuum into ?", backup)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	w.publish("lost1", "lost2")
	lost := w.Cursor(5)
	w.stop()
	restore(t, cfg, backup)

	w = serve(t, cfg)
	hold := func(when string) {
		t.Helper()
		if after, gap := w.CheckCursor(lost, w.tenant()); after != 3 || gap != gateway.GapLogReplaced {
			t.Errorf("%s: cursor of a lost event: after %d, gap %v; want 3 and that the log was replaced", when, after, gap)
		}
		if after, gap := w.CheckCursor(shared, w.tenant()); after != 3 || gap != gateway.GapNone {
			t.Errorf("%s: cursor of a kept event: after %d, gap %v; want 3 and none", when, after, gap)
		}
	}
	hold("restored")
	w.publish("new1", "new2", "new3", "new4")
	hold("past the old head")
	w.stop()
	w = serve(t, cfg)
	hold("restarted")
	if err := w.tryPublish("lost1", 100); err != nil {
		t.Errorf("the id of a lost event: %v", err)
	}
}

func restore(t *testing.T, cfg store.Config, backup string) {
	t.Helper()
	content, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(cfg.Data, "postrider.db")
	_ = os.Remove(file + "-wal")
	_ = os.Remove(file + "-shm")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// failures counts the writer's failed writes.
type failures struct {
	slog.Handler
	seen chan struct{}
}

func (f failures) Enabled(context.Context, slog.Level) bool { return true }

func (f failures) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "write failed" {
		f.seen <- struct{}{}
	}
	return nil
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	bubble(t, func(t *testing.T) {
		seen := failures{slog.DiscardHandler, make(chan struct{}, 1000)}
		cfg.Logger = slog.New(seen)
		w := serve(t, cfg)
		defer w.stop()
		w.publish("before")
		sub := w.subscribe()
		w.limit(4)

		if err := w.tryPublish("large", 1<<20); !storageFull(err) {
			t.Fatalf("publish: %v, want that the disk is full", err)
		}
		<-seen.seen
		if head := w.Head(); head != 1 {
			t.Errorf("head = %d, want 1", head)
		}
		if _, err := w.EventByID(context.Background(), sub.Tenant, "large"); gateway.ErrorCode(err) != gateway.CodeNotFound {
			t.Errorf("the refused event: %v, want not found", err)
		}
		_, err := w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme", DisplayName: string(bytes.Repeat([]byte("x"), 1<<20))})
		if !storageFull(err) {
			t.Errorf("create: %v, want that the disk is full", err)
		}

		// Results are never refused: they stay queued and are tried again.
		kept := deliveries(sub, 2_000)
		committed := make(chan struct{})
		kept[0].Committed = func() { close(committed) }
		w.Record(kept...)
		<-seen.seen
		<-seen.seen
		if n := w.countDeliveries(sub); n != 0 {
			t.Errorf("%d deliveries, want none", n)
		}
		w.limit(-1)
		<-committed
		w.barrier()
		if n := w.countDeliveries(sub); n != 2_000 {
			t.Errorf("%d deliveries, want 2000", n)
		}
		if err := w.tryPublish("large", 1<<20); err != nil {
			t.Errorf("publish after there was room: %v", err)
		}
	})
}

// TestStopWhileDiskFull expects the store to stop. Attempts whose results are lost are made again.
func TestStopWhileDiskFull(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	bubble(t, func(t *testing.T) {
		seen := failures{slog.DiscardHandler, make(chan struct{}, 1000)}
		cfg.Logger = slog.New(seen)
		w := serve(t, cfg)
		sub := w.subscribe()
		w.limit(0)
		w.Record(deliveries(sub, 2_000)...)
		<-seen.seen
		w.stop()
		w = serve(t, cfg)
		defer w.stop()
		if n := w.countDeliveries(sub); n != 0 {
			t.Errorf("%d deliveries, want none", n)
		}
		w.publish("after")
	})
}

func storageFull(err error) bool {
	var e *gateway.Error
	return errors.As(err, &e) && e.Code == gateway.CodeUnavailable && e.RetryAfter > 0 && e.Reason == gateway.ReasonStorageFull
}

func (w *served) limit(pages int) {
	w.t.Helper()
	if err := w.LimitPages(context.Background(), pages); err != nil {
		w.t.Fatal(err)
	}
}

func TestWALIsTruncated(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	cfg.CheckpointBytes, cfg.MaxWALBytes = 4<<20, 2<<20
	w := serve(t, cfg)
	largest := int64(0)
	for i := range 40 {
		if err := w.tryPublish(fmt.Sprint("evt_", i), 1<<20); err != nil {
			t.Fatal(err)
		}
		w.barrier()
		largest = max(largest, walSize(t, cfg))
	}
	if largest == 0 || largest > 16<<20 {
		t.Errorf("the WAL grew to %d bytes", largest)
	}

	// An open read transaction keeps the log from being truncated, but does not make publishers wait for long.
	reading, err := raw(t, cfg).BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reading.QueryRowContext(context.Background(), "select count(*) from event").Scan(&n); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		if err := w.tryPublish(fmt.Sprint("reading_", i), 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	w.barrier()
	if size := walSize(t, cfg); size < 8<<20 {
		t.Errorf("the WAL has %d bytes while it is read", size)
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := w.tryPublish(fmt.Sprint("after_", i), 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	w.barrier()
	if size := walSize(t, cfg); size > 8<<20 {
		t.Errorf("the WAL has %d bytes after it was read", size)
	}
	w.stop()
	if head := serve(t, cfg).Head(); head != 52 {
		t.Errorf("head = %d, want 52", head)
	}
}

func walSize(t *testing.T, cfg store.Config) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(cfg.Data, "postrider.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	w := serve(t, cfg)
	const secret, header = "whsec_VGhpcyBpcyBub3QgdG8gYmUgcmVhZA", "Bearer not-to-be-read"
	sub := w.subscribe(func(s *gateway.Subscription) {
		s.Secret, s.TargetConfig = secret, []byte(`{"headers":{"Authorization":"`+header+`"}}`)
	})
	_, _, err := w.UpdateSubscription(context.Background(), sub.ID, 0, func(s *gateway.Subscription) error {
		s.Description = "seen in the file"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	look := func() {
		t.Helper()
		var all []byte
		for _, suffix := range []string{"", "-wal", "-shm"} {
			content, err := os.ReadFile(filepath.Join(cfg.Data, "postrider.db"+suffix))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			all = append(all, content...)
		}
		for _, text := range []string{secret, secret[6:], header} {
			if bytes.Contains(all, []byte(text)) {
				t.Errorf("%q is in the database in the clear", text)
			}
		}
		if !bytes.Contains(all, []byte("seen in the file")) {
			t.Error("the description is not where the secret was looked for")
		}
	}
	look()
	w.stop()
	look()
}

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	cfg := freshSQLite(t)
	serve(t, cfg)
	db := raw(t, cfg)
	for pragma, want := range map[string]string{"auto_vacuum": "2", "journal_mode": "wal"} {
		var got string
		if err := db.QueryRowContext(context.Background(), "pragma "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %s, %v, want %s", pragma, got, err, want)
		}
	}
}
