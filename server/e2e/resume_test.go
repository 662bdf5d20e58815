package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/e2e/tally"
)

const (
	resumeKills      = 100
	resumePublishers = 6
)

// TestResume kills the server a hundred times under load while a client on every transport also loses its connection at
// random. Each resumes from the last cursor it saw, and its record must equal what the log has for it: no gap, no repeat,
// in order. One changes the transport with each connection, for a cursor is good on any.
func TestResume(t *testing.T) {
	seed := newSeed(t)
	s := newServer(t)
	s.mustStart()
	client := newClient(s)
	publishing := &load{client: client, pause: 40 * time.Millisecond, padding: 200}

	var witnesses []*witness
	names := slices.Sorted(maps.Keys(transports))
	for i, name := range names {
		filter := [][]string{{"*"}, {"order.*"}, {"stock.counted", "page.*"}}[i%3]
		witnesses = append(witnesses, newWitness(s, name, filter, newRandom(seed, i), name))
	}
	witnesses = append(witnesses, newWitness(s, "any", []string{"*"}, newRandom(seed, len(names)), names...))

	stop := make(chan struct{})
	watching, stopWatching := context.WithCancel(t.Context())
	defer stopWatching()
	var loaders, watchers sync.WaitGroup
	loaders.Go(func() { publishing.run(t.Context(), stop, seed, resumePublishers) })
	for _, w := range witnesses {
		watchers.Go(func() { w.run(watching) })
	}
	random := newRandom(seed, 900)
	for range resumeKills {
		pause(t.Context(), 50*time.Millisecond+time.Duration(random.Int64N(int64(350*time.Millisecond))))
		s.kill()
		s.mustStart()
	}
	close(stop)
	loaders.Wait()

	log := client.log(t)
	var lines []string
	for _, w := range witnesses {
		var want []string
		for _, event := range log {
			if matches(event.GetType(), w.types) {
				want = append(want, event.GetId())
			}
		}
		w.check(t, want)
		lines = append(lines, fmt.Sprintf("%s: events=%d connections=%d cut=%d lost=%d", w.name, len(want), w.begins, w.cuts, w.losses))
	}
	stopWatching()
	watchers.Wait()
	acked, refused := publishing.snapshot()
	if refused != nil || len(acked) != len(log) {
		t.Errorf("%d events are acknowledged, the log has %d; refused: %v", len(acked), len(log), refused)
	}
	tally.Print(t, "seed=%d kills=%d acknowledged=%d | %s", seed, resumeKills, len(acked), strings.Join(lines, " | "))
}

func matches(eventType string, patterns []string) bool {
	return len(idsOf([]published{{eventType: eventType}}, patterns...)) > 0
}

// witness follows the log over connections that are cut at random, by itself or by what happens to the server.
type witness struct {
	server *server
	name   string
	types  []string
	random *rand.Rand
	// ways are the transports it chooses from for each connection.
	ways []string

	mu     sync.Mutex
	cursor string
	seen   []string
	faults []string
	// begins counts the streams that began; cuts those that it ended itself; losses those that ended otherwise.
	begins, cuts, losses int
}

func newWitness(s *server, name string, types []string, random *rand.Rand, ways ...string) *witness {
	return &witness{server: s, name: name, types: types, random: random, ways: ways, cursor: "earliest"}
}

func (w *witness) run(ctx context.Context) {
	for ctx.Err() == nil {
		w.connect(ctx)
		pause(ctx, time.Duration(w.random.Int64N(int64(40*time.Millisecond))))
	}
}

// connect follows one connection, which it cuts after a while or after some messages, in the middle of whatever happens.
func (w *witness) connect(ctx context.Context) {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	defer time.AfterFunc(time.Duration(w.random.Int64N(int64(2*time.Second))), cut).Stop()
	messages := w.random.IntN(400)
	w.mu.Lock()
	start := w.cursor
	w.mu.Unlock()
	first := true
	_ = transports[w.ways[w.random.IntN(len(w.ways))]](ctx, w.server, w.types, start, func(m streamed) bool {
		if ctx.Err() != nil {
			return false
		}
		w.note(m, first)
		first = false
		messages--
		return messages > 0
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil || messages <= 0 {
		w.cuts++
	} else {
		w.losses++
	}
}

func (w *witness) note(m streamed, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if first != m.begin {
		w.faults = append(w.faults, fmt.Sprintf("a stream begins with %+v, or begins twice", m))
	}
	if first {
		w.begins++
	}
	if m.gap != "" {
		w.faults = append(w.faults, "told of a gap: "+m.gap)
	}
	if m.event != "" {
		w.seen = append(w.seen, m.event)
	}
	if m.cursor != "" {
		w.cursor = m.cursor
	}
}

func (w *witness) check(t *testing.T, want []string) {
	t.Helper()
	eventually(t, patience, w.name+" reaches the end of the log", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.seen) >= len(want) || len(w.faults) > 0
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.seen, want) {
		t.Errorf("%s saw %d events, the log has %d for it: %s", w.name, len(w.seen), len(want), firstDifference(w.seen, want))
	}
	if len(w.faults) > 0 {
		t.Errorf("%s: %d faults, the first: %s", w.name, len(w.faults), w.faults[0])
	}
	if w.begins < resumeKills/10 || w.cuts == 0 || w.losses == 0 {
		t.Errorf("%s: %d connections, %d cut, %d lost: that shows little", w.name, w.begins, w.cuts, w.losses)
	}
}
