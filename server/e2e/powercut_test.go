package e2e_test

import (
	"context"
	"database/sql"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/e2e/tally"
)

const (
	// Cuts while the server starts, and cuts under load.
	earlyCuts, powerCuts = 5, 20
	// fewestOperations and mostOperations bound the point of a cut under load: from one commit to about a checkpoint. One
	// operation is about half a page of the WAL.
	fewestOperations = 20
	mostOperations   = 8_000
	// checkpointOperations is about how many writes to the database file one checkpoint makes.
	checkpointOperations = 500
	// startOperations is about how many operations a start takes that has a log to take over.
	startOperations = 1_000
	// cutWithin is how long a life may take to get to its cut; then the power goes at that moment.
	cutWithin = 30 * time.Second
)

// TestPowerCut drops, at random points, every write that was not synced. What was acknowledged must be there, and nobody
// may have seen what is gone: not an endpoint, not a stream.
func TestPowerCut(t *testing.T) {
	seed := newSeed(t)
	w := newPowerCutWorld(t, seed)
	for cut := range earlyCuts + powerCuts {
		random := newRandom(seed, cut)
		switch cut % 5 {
		case 0:
			w.life(cutPoint{at: 1 + random.IntN(startOperations), early: true})
		case 1:
			w.life(cutPoint{at: 1 + random.IntN(checkpointOperations), on: ".db"})
		default:
			w.life(cutPoint{at: anyMagnitude(random, fewestOperations, mostOperations)})
		}
	}
	w.server.mustStart()
	w.end()

	acked, refused := w.load.snapshot()
	if refused != nil {
		t.Errorf("a publisher was refused: %v", refused)
	}
	log := w.ids()
	lost := w.lost(acked, log)
	eventually(t, drainWithin, "every acknowledged event arrives", func() bool { return w.hook.receiver.ledger.missing(idsOf(acked, "*")) == 0 })
	eventually(t, patience, "the stream reaches the end of the log", func() bool { return w.follower.length() >= len(log) })
	w.stopFollowing()
	w.following.Wait()
	if lost > 0 {
		t.Errorf("%d of %d acknowledged events were lost", lost, len(acked))
	}
	if !slices.Equal(w.follower.seen, log) || len(w.follower.gaps) > 0 {
		t.Errorf("a stream across the cuts saw other events than the log has: %s; gaps %v", firstDifference(w.follower.seen, log), w.follower.gaps)
	}
	duplicates := w.checkDuplicates()
	w.server.stop()
	w.checkIntegrity()
	if w.undone == 0 || w.checkpoints == 0 {
		t.Errorf("the cuts undid %d writes and met %d unsynced database files: they prove nothing", w.undone, w.checkpoints)
	}
	tally.Print(t, "seed=%d cuts=%d during_start=%d undone_writes=%d in_checkpoint=%d acknowledged=%d repeated=%d retried=%d lost=%d missing=0 duplicates=%d",
		seed, earlyCuts+powerCuts, w.duringStart, w.undone, w.checkpoints, len(acked), w.load.repeated, w.load.retried, lost, duplicates)
}

// TestPowerCutWithoutSync shows that the test above can fail: with synchronous=OFF events are lost.
func TestPowerCutWithoutSync(t *testing.T) {
	seed := newSeed(t)
	w := newPowerCutWorld(t, seed)
	w.server.environment = append(w.server.environment, "POSTRIDER_TEST_NO_SYNC=1")
	for range 3 {
		w.life(cutPoint{at: mostOperations / 2})
	}
	w.server.mustStart()
	w.end()
	w.stopFollowing()
	w.following.Wait()
	acked, _ := w.load.snapshot()
	lost := w.lost(acked, w.ids())
	tally.Print(t, "seed=%d cuts=3 acknowledged=%d lost=%d, as expected", seed, len(acked), lost)
	if lost == 0 {
		t.Error("nothing was lost without syncing, so the power-cut test cannot notice a missing sync")
	}
}

// powerCutWorld is a server under load that loses its power.
type powerCutWorld struct {
	t        *testing.T
	library  string
	server   *server
	client   *client
	load     *load
	follower *follower
	hook     *interest

	loading, following sync.WaitGroup
	stopLoad           chan struct{}
	stopFollowing      context.CancelFunc

	// duringStart counts the cuts before the server was ready, undone the writes that were dropped, checkpoints the cuts
	// that found the database file itself unsynced.
	duringStart, undone, checkpoints int
}

func newPowerCutWorld(t *testing.T, seed uint64) *powerCutWorld {
	s := newServer(t)
	w := &powerCutWorld{t: t, library: compileShim(t), server: s, client: newClient(s)}
	w.load = &load{client: w.client, pause: 5 * time.Millisecond, padding: 4000}
	w.follower = &follower{client: newClient(s), types: []string{"*"}}
	w.hook = newInterest(t, "hook", 16, answerOK, "*")

	s.mustStart()
	crash := &crash{t: t, client: w.client}
	crash.create(w.hook)
	following, stopFollowing := context.WithCancel(t.Context())
	w.stopLoad, w.stopFollowing = make(chan struct{}), stopFollowing
	s.stop()
	w.loading.Go(func() { w.load.run(t.Context(), w.stopLoad, seed, publishers) })
	w.following.Go(func() { w.follower.run(following) })
	t.Cleanup(stopFollowing)
	return w
}

// anyMagnitude draws a number from a range so that all orders of magnitude are as likely.
func anyMagnitude(random *rand.Rand, least, most float64) int {
	return int(least * math.Pow(most/least, random.Float64()))
}

// cutPoint is the operation before which the power goes.
type cutPoint struct {
	at int
	// on is how the paths end of the files whose operations count; all when empty.
	on string
	// early counts from the start of the process, otherwise from when it is ready.
	early bool
}

// life is one start and one cut.
func (w *powerCutWorld) life(point cutPoint) {
	w.t.Helper()
	s := newShim(w.t, w.library, w.server.data, point.at)
	s.on = point.on
	if point.early {
		s.arm()
	}
	l, err := w.server.start(s.environment()...)
	if err != nil {
		w.duringStart++
	}
	began := time.Now()
	s.arm()
	select {
	case <-l.ended:
	case <-time.After(cutWithin):
		w.server.kill()
	}
	if state := l.cmd.ProcessState.String(); state != "signal: killed" {
		w.t.Fatalf("the server ended with %q, not by the power cut\n%s", state, l.log)
	}
	undone, err := s.undo()
	if err != nil {
		w.t.Fatalf("undo: %v", err)
	}
	w.t.Logf("cut %+v after %v undid %v", point, time.Since(began).Round(time.Millisecond), undone)
	for path, writes := range undone {
		w.undone += writes
		if filepath.Ext(path) == ".db" {
			w.checkpoints++
		}
	}
	eventually(w.t, patience, "the requests of the dead server have ended", w.hook.receiver.quiet)
	w.hook.receiver.ledger.nextLife()
}

// end stops the publishers; each has its last acknowledgement then.
func (w *powerCutWorld) end() {
	close(w.stopLoad)
	w.loading.Wait()
}

func (w *powerCutWorld) ids() (ids []string) {
	for _, event := range w.client.log(w.t) {
		ids = append(ids, event.GetId())
	}
	return ids
}

// lost counts the acknowledged events that are not in the log.
func (w *powerCutWorld) lost(acked []published, log []string) (n int) {
	there := map[string]bool{}
	for _, id := range log {
		there[id] = true
	}
	for _, event := range acked {
		if !there[event.id] {
			n++
		}
	}
	return n
}

func (w *powerCutWorld) checkDuplicates() (total int) {
	w.t.Helper()
	perKill, unexcused := w.hook.receiver.ledger.duplicates()
	for cut, n := range perKill {
		total += n
		if n > int(w.hook.concurrency) {
			w.t.Errorf("cut %d made %d duplicates, at most %d attempts were under way", cut+1, n, w.hook.concurrency)
		}
	}
	if unexcused > 0 {
		w.t.Errorf("%d duplicates without a cut", unexcused)
	}
	return total
}

func (w *powerCutWorld) checkIntegrity() {
	w.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(w.server.data, "postrider.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var result string
	if err := db.QueryRow("pragma integrity_check").Scan(&result); err != nil || result != "ok" {
		w.t.Errorf("integrity check: %q, %v", result, err)
	}
}
