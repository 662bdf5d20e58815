package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

// TestPostgresConnectionLost has PostgreSQL end the store's connections while it writes, except for the one that holds the
// lock.
func TestPostgresConnectionLost(t *testing.T) {
	t.Parallel()
	cfg := freshPostgres("")(t)
	w := serve(t, cfg)
	sub := w.subscribe()
	db := raw(t, cfg)
	acknowledged := map[string]bool{}
	for i := range 60 {
		if i%20 == 10 {
			execute(t, db, `select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and pid <> pg_backend_pid() and query not like '%advisory%'`)
		}
		id := fmt.Sprint("evt_", i)
		if err := w.tryPublish(id, 10); err == nil {
			acknowledged[id] = true
		}
	}
	if len(acknowledged) < 50 {
		t.Errorf("%d of 60 were accepted", len(acknowledged))
	}
	w.Record(deliveries(sub, 10)...)
	w.barrier()
	w.stop()
	w = serve(t, cfg)
	events, err := w.ReadAfter(context.Background(), 0, 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if e.Position != gateway.Position(i+1) {
			t.Errorf("event %d is at %d", i+1, e.Position)
		}
		delete(acknowledged, e.ID)
	}
	if len(acknowledged) > 0 {
		t.Errorf("accepted but not stored: %v", acknowledged)
	}
}
