package stats_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/stats"
	"github.com/postrider-dev/postrider/server/store"
)

const tenant gateway.TenantID = 1

// world is a database with a recorder on it, which can be stopped, killed and started again.
type world struct {
	t       *testing.T
	data    string
	keyring *seal.Keyring

	store    *store.Store
	recorder *stats.Recorder
	// backlogs is what waits.
	// backlogs and streams are what the recorder finds when it looks.
	backlogs atomic.Pointer[stats.Backlogs]
	streams  atomic.Pointer[map[gateway.TenantID]int]

	// ahead is how far the recorder's clock is ahead of the time there is.
	ahead atomic.Int64

	stopStore, stopRecorder context.CancelFunc
	storeDone, recorderDone chan error
	published               int
}

// inWorld runs a test in a bubble of its own time, with a world that is up. Time begins at midnight.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		keyring, err := seal.LoadKeyring("", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, data: t.TempDir(), keyring: keyring}
		w.backlogs.Store(&stats.Backlogs{})
		w.streams.Store(&map[gateway.TenantID]int{})
		w.start()
		defer func() { w.stop() }()
		test(w)
	})
}

func (w *world) start() {
	w.t.Helper()
	var err error
	w.store, err = store.Open(w.t.Context(), store.Config{Data: w.data, Keyring: w.keyring, NoSync: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.recorder = stats.New(stats.Config{
		Store: w.store, Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) },
	})
	w.store.OnCommit(w.recorder.Published)
	w.stopStore, w.storeDone = runPart(w.store.Run)
	if err := w.recorder.Load(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.stopRecorder, w.recorderDone = runPart(func(ctx context.Context) error {
		return w.recorder.Run(ctx, stats.Sources{
			Backlogs: func(context.Context) (stats.Backlogs, error) { return *w.backlogs.Load(), nil },
			Streams:  func() map[gateway.TenantID]int { return *w.streams.Load() },
		})
	})
}

func runPart(run func(context.Context) error) (stop context.CancelFunc, done chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	done = make(chan error, 1)
	go func() { done <- run(ctx) }()
	return cancel, done
}

func (w *world) stop() {
	w.t.Helper()
	w.stopRecorder()
	<-w.recorderDone
	w.end()
}

// end closes the store.
func (w *world) end() {
	w.t.Helper()
	w.stopStore()
	if err := <-w.storeDone; err != nil {
		w.t.Errorf("store: %v", err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Errorf("close: %v", err)
	}
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// kill ends the store first, so that the recorder can store nothing more: all that it had in memory is lost.
func (w *world) kill() {
	w.t.Helper()
	w.end()
	w.stopRecorder()
	<-w.recorderDone
	w.start()
}

// execute runs a statement on the database.
func (w *world) execute(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(w.data, "postrider.db"))
	if err == nil {
		_, err = db.ExecContext(w.t.Context(), statement)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// publish appends events of a type to a tenant.
func (w *world) publish(to gateway.TenantID, eventType string, n int) {
	w.t.Helper()
	events := make([]store.NewEvent, n)
	for i := range events {
		w.published++
		id := fmt.Sprintf("evt_%d", w.published)
		events[i] = store.NewEvent{
			Event: &gateway.Event{Tenant: to, ID: id, Type: eventType, Source: "test", Data: []byte(`{}`)},
			Hash:  gateway.ContentHash(sum(id)),
		}
	}
	if _, err := w.store.Append(w.t.Context(), w.store.RegistryRevision(), events); err != nil {
		w.t.Fatal(err)
	}
}

func sum(id string) []byte {
	s := sha256.Sum256([]byte(id))
	return s[:16]
}

// deliver tells of deliveries that succeeded.
func (w *world) deliver(sub gateway.SubscriptionID, n int, latency time.Duration) {
	for range n {
		w.recorder.Settled(gateway.DeliverySettled{
			Tenant: tenant, Subscription: sub, Attempted: true, Delivered: true, Latency: latency,
		})
	}
}

// fail tells of attempts that failed; the last ones were given up.
func (w *world) fail(sub gateway.SubscriptionID, n, dead int) {
	for i := range n {
		w.recorder.Settled(gateway.DeliverySettled{Tenant: tenant, Subscription: sub, Attempted: true, Dead: i >= n-dead})
	}
}

// failFor records attempts that failed for a reason.
func (w *world) failFor(sub gateway.SubscriptionID, reason gateway.FailureReason, n int) {
	for range n {
		w.recorder.Settled(gateway.DeliverySettled{Tenant: tenant, Subscription: sub, Attempted: true, Reason: reason})
	}
}

// slowDown records attempts whose endpoint asked to come back later, which are neither successes nor failures.
func (w *world) slowDown(sub gateway.SubscriptionID, n int) {
	for range n {
		w.recorder.Settled(gateway.DeliverySettled{Tenant: tenant, Subscription: sub})
	}
}

func (w *world) watch(of gateway.TenantID, span time.Duration) *watched {
	w.t.Helper()
	watch, err := w.recorder.Watch(w.t.Context(), of, span)
	if err != nil {
		w.t.Fatal(err)
	}
	seen := &watched{Watch: watch, t: w.t, points: map[int64]gateway.StatsPoint{}}
	seen.look()
	return seen
}

// watched is a watch with what a page would have made of it.
type watched struct {
	*stats.Watch
	t      *testing.T
	points map[int64]gateway.StatsPoint
	view   stats.View
	fresh  int
}

// look takes the newest points in and drops those that have left the span.
func (w *watched) look() {
	w.t.Helper()
	view, ok := w.Look(true)
	if !ok {
		w.t.Fatal("the watch fell behind")
	}
	w.view, w.fresh = view, len(view.Points)
	for _, p := range view.Points {
		w.points[p.Start.Unix()] = p
	}
}

// total adds all points up.
func (w *watched) total() (sum gateway.StatsCounts) {
	for _, p := range w.points {
		sum.Add(&p.StatsCounts)
	}
	return sum
}

// sorted are the points, oldest first.
func (w *watched) sorted() []gateway.StatsPoint {
	var sorted []gateway.StatsPoint
	for _, at := range slices.Sorted(maps.Keys(w.points)) {
		sorted = append(sorted, w.points[at])
	}
	return sorted
}

func (w *watched) subscription(id gateway.SubscriptionID) gateway.SubscriptionStats {
	i := slices.IndexFunc(w.view.Subscriptions, func(s gateway.SubscriptionStats) bool { return s.ID == id })
	if i < 0 {
		return gateway.SubscriptionStats{}
	}
	return w.view.Subscriptions[i]
}

func (w *watched) eventType(name string) int64 {
	for _, one := range w.view.EventTypes {
		if one.Type == name {
			return one.Published
		}
	}
	return 0
}

// failures are the view's failures by subscription and reason.
func (w *watched) failures() map[gateway.SubscriptionID]map[gateway.FailureReason]int64 {
	found := map[gateway.SubscriptionID]map[gateway.FailureReason]int64{}
	for _, f := range w.view.Failures {
		if found[f.Subscription] == nil {
			found[f.Subscription] = map[gateway.FailureReason]int64{}
		}
		found[f.Subscription][f.Reason] = f.Failed
	}
	return found
}

// stored are the rows of the store.
func (w *world) stored(resolution time.Duration) []store.StatsInterval {
	w.t.Helper()
	rows, err := w.store.StatsOfAll(w.t.Context(), resolution, time.Unix(0, 0), time.Now().Add(time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}
