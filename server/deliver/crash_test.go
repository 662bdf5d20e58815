package deliver_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/target"
)

// gate lets a test stop every attempt at its beginning or end, so that the events that endpoints have received do not
// change.
type gate struct{ sync.RWMutex }

func (g *gate) answer(ctx context.Context, o gateway.Outcome, took time.Duration) gateway.Outcome {
	timer := time.NewTimer(took)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return gateway.Outcome{}
	}
	g.RLock()
	defer g.RUnlock()
	return o
}

// TestCrash copies the database at random moments under load, as a kill would leave it, and starts a second server on each
// copy. Every event of the copy arrives at one of the two servers, and at both only if an attempt was under way.
func TestCrash(t *testing.T) {
	const slots, crashes = 8, 6
	w := newWorld(t)
	w.start()
	var g gate
	names := []string{"quick", "slow", "failing", "narrow"}
	filters := map[string][]string{"narrow": {"b"}}
	for _, name := range names {
		_, e := w.subscribe(name, gateway.StartNow, gateway.Policy{Concurrency: slots}, filters[name]...)
		e.set(func(ctx context.Context, m *target.Message, nth int) gateway.Outcome {
			switch {
			case name == "failing" && nth%3 == 0:
				return g.answer(ctx, endpointFailure, 0)
			case name == "slow" && nth%500 == 0:
				return g.answer(ctx, delivered, 1500*time.Millisecond)
			}
			return g.answer(ctx, delivered, time.Duration(nth%3)*time.Millisecond)
		})
	}
	for i := range crashes {
		stopLoad := w.load()
		wait := time.NewTimer(time.Duration(50+rand.IntN(250)) * time.Millisecond)
		<-wait.C
		g.Lock()
		before := map[string]map[string]bool{}
		for _, name := range names {
			before[name] = distinct(w.endpoints[name].received())
		}
		folder := copyDatabase(t, w)
		g.Unlock()
		stopLoad()
		t.Run(fmt.Sprint("crash ", i), func(t *testing.T) {
			afterCrash(t, w, folder, before, slots)
		})
	}
	w.stop()
}

// load publishes, one request after the other, until stop is called.
func (w *world) load() (stop func()) {
	done := make(chan struct{})
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				w.publish("a", "b", "a", "a")
			}
		}
	})
	return func() { close(done); publisher.Wait() }
}

func distinct(list []received) map[string]bool {
	ids := map[string]bool{}
	for _, r := range list {
		ids[r.id] = true
	}
	return ids
}

// copyDatabase copies what is on disk, the WAL last. A reader keeps the WAL from being restarted in the meantime (see
// "Checkpointing" in sqlite.org/wal.html). So the WAL only grows, and the copy is the database at some moment.
func copyDatabase(t *testing.T, w *world) string {
	t.Helper()
	db := w.database()
	defer func() { _ = db.Close() }()
	reader, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Rollback() }()
	var tables int
	if err := reader.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, name := range []string{"postrider.db", "postrider.db-wal"} {
		from, err := os.Open(filepath.Join(w.data, name))
		if err != nil {
			t.Fatal(err)
		}
		to, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(to, from); err != nil {
			t.Fatal(err)
		}
		_, _ = from.Close(), to.Close()
	}
	return folder
}

func afterCrash(t *testing.T, crashed *world, folder string, before map[string]map[string]bool, slots int) {
	w := newWorld(t)
	w.data, w.keyring = folder, crashed.keyring
	for name := range before {
		w.endpoint(name)
	}
	db := w.database()
	checkPlaces(t, db)
	_ = db.Close()
	w.start()
	defer w.stop()
	head := w.store.Head()
	subs, err := w.store.Subscriptions(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range subs {
		w.awaitPlace(sub, head)
		after := distinct(w.endpoints[sub.Name].received())
		states := w.states(sub)
		missing, twice := 0, 0
		for p := gateway.Position(1); p <= head; p++ {
			id := fmt.Sprint(p)
			if sub.Name == "narrow" && p%4 != 2 {
				continue
			}
			if before[sub.Name][id] && after[id] && w.delivery(sub, p).Attempts == 1 {
				twice++
			}
			if !before[sub.Name][id] && !after[id] {
				missing++
			}
		}
		t.Logf("%s: %d events, %d delivered again, %v", sub.Name, head, twice, states)
		equal(t, sub.Name+": missing", missing, 0)
		if twice > slots {
			t.Errorf("%s: %d were delivered twice, more than the %d slots", sub.Name, twice, slots)
		}
	}
}

// awaitPlace waits until a subscription has settled everything up to a position and that position is stored. The position in
// its health may be ahead of rows that the writer has not written yet.
func (w *world) awaitPlace(sub *gateway.Subscription, p gateway.Position) {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); <-tick.C {
		if h := w.health(sub); h.Place >= p && h.Backlog == 0 {
			written := make(chan struct{})
			w.store.Record(store.Result{Committed: func() { close(written) }})
			<-written
			return
		}
	}
	w.t.Fatalf("%s: place %d, not %d", sub.Name, w.health(sub).Place, p)
}
