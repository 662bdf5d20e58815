package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

var (
	randomTypes    = []string{"order.created", "order.closed", "order.item.added", "payment.made", "order", "log"}
	randomPatterns = append([]string{"*", "order.*", "order.item.*", "payment.*", "nothing.*"}, randomTypes...)
	randomTests    = []string{"", "", "", "event.subject == 's1'", "event.data.n > 4", "event.data.nothing == 1"}
)

func randomFilters(random *rand.Rand) []stream.Filter {
	filters := make([]stream.Filter, 1+random.IntN(3))
	for i := range filters {
		filters[i].Name = fmt.Sprint("f", i)
		for range random.IntN(3) {
			filters[i].Types = append(filters[i].Types, randomPatterns[random.IntN(len(randomPatterns))])
		}
		filters[i].Expression = randomTests[random.IntN(len(randomTests))]
	}
	if len(filters) == 1 {
		filters[0].Name = ""
	}
	return filters
}

// record is what one reader got, whichever connection it came over.
type record struct {
	tenant  *gateway.Tenant
	filters []stream.Filter
	from    gateway.Position
	got     []string
	faults  []string
}

func written(event *gateway.Event, filters []string) string {
	return fmt.Sprint(event.Position, event.ID, filters)
}

// want is the filters applied to the log, one by one.
func (r *record) want(log []*gateway.Event, compiler *filter.Compiler) []string {
	var want []string
	for _, event := range log {
		var names []string
		matched := false
		for _, one := range r.filters {
			if event.Position > r.from && event.Tenant == r.tenant.ID && one.Match(event.Type) &&
				compiler.Expression(one.Expression).Match(compiler.Subject(event)).Matched {
				matched = true
				if one.Name != "" {
					names = append(names, one.Name)
				}
			}
		}
		if matched {
			want = append(want, written(event, names))
		}
	}
	return want
}

var errAgain = errors.New("connect again")

// read reads until the head is reached, connecting again from time to time, at times slowly.
func (r *record) read(ctx context.Context, hub *stream.Hub, random *rand.Rand, start gateway.Start, head func() gateway.Position) {
	done := errors.New("done")
	reached := gateway.Position(-1)
	slow := time.Duration(random.IntN(3)*random.IntN(20)) * time.Millisecond
	for {
		err := hub.Subscribe(ctx, stream.Request{
			Tenant: r.tenant, Filters: r.filters, Start: start, Heartbeat: 50 * time.Millisecond,
		}, func(message stream.Message) error {
			if message.Kind == gateway.StreamBegin {
				if reached < 0 {
					r.from = message.Cursor.Position
				} else if message.Cursor.Position != reached || message.Gap != gateway.GapNone {
					r.faults = append(r.faults, fmt.Sprintf("resumes with %+v after %d", message, reached))
				}
			}
			if message.Cursor.Position < reached {
				r.faults = append(r.faults, fmt.Sprintf("place %d after %d", message.Cursor.Position, reached))
			}
			reached = message.Cursor.Position
			start = gateway.StartAfter(message.Cursor)
			if message.Kind == gateway.StreamEvent {
				r.got = append(r.got, written(message.Event, message.Filters))
			}
			switch {
			case reached >= head():
				return done
			case random.IntN(150) == 0:
				return errAgain
			case random.IntN(20) == 0 && slow > 0:
				time.Sleep(slow)
			}
			return nil
		})
		if !errors.Is(err, errAgain) {
			if !errors.Is(err, done) {
				r.faults = append(r.faults, err.Error())
			}
			return
		}
	}
}

// publishRandom stores events of either tenant in groups of random size at random times.
func (w *world) publishRandom(random *rand.Rand, tenants []*gateway.Tenant, n int) {
	for stored := 0; stored < n; {
		group := make([]store.NewEvent, 1+random.IntN(60))
		for i := range group {
			eventType := randomTypes[random.IntN(len(randomTypes))]
			group[i].Event = &gateway.Event{
				Tenant: tenants[random.IntN(len(tenants))].ID, ID: fmt.Sprint("r-", stored+i), Type: eventType, Source: gateway.DefaultSource,
				Time: time.Now(), Data: fmt.Appendf(nil, `{"n":%d}`, random.IntN(10)), Subject: fmt.Sprint("s", random.IntN(3)),
			}
		}
		if _, err := w.store.Append(w.t.Context(), w.store.RegistryRevision(), group); err != nil {
			w.t.Error(err)
			return
		}
		stored += len(group)
		time.Sleep(time.Duration(random.IntN(8)) * time.Millisecond)
	}
}

// Whatever readers ask for, wherever they begin, however slow they are and however often they connect again, each of their
// records is their filters applied to the log.
func TestEveryRecordEqualsTheLog(t *testing.T) {
	t.Parallel()
	for seed, tailBytes := range []int{1, 100_000, tail.DefaultBytes} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testRandom(t, uint64(seed), tailBytes) })
		})
	}
}

func testRandom(t *testing.T, seed uint64, tailBytes int) {
	const readers, events = 24, 3600
	w := newWorld(t, tailBytes)
	other, err := w.store.CreateTenant(t.Context(), gateway.Tenant{Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	tenants := []*gateway.Tenant{w.tenant, other}
	random := rand.New(rand.NewPCG(seed, 7))
	w.publishRandom(random, tenants, events/3)
	complete := false
	var mu sync.Mutex
	head := func() gateway.Position { // Reached by nobody before all is published.
		mu.Lock()
		defer mu.Unlock()
		if complete {
			return w.store.Head()
		}
		return events * 10
	}
	var all sync.WaitGroup
	records := make([]*record, readers)
	shared := randomFilters(random)
	for i := range records {
		own := rand.New(rand.NewPCG(seed, uint64(100+i)))
		records[i] = &record{tenant: tenants[own.IntN(2)], filters: shared}
		if i%3 > 0 {
			records[i].filters = randomFilters(own)
		}
		starts := []gateway.Start{{}, {Kind: gateway.StartEarliest}, {Kind: gateway.StartTime, Time: time.Now()}}
		all.Go(func() {
			time.Sleep(time.Duration(own.IntN(200)) * time.Millisecond)
			records[i].read(t.Context(), w.hub, own, starts[own.IntN(len(starts))], head)
		})
	}
	w.publishRandom(random, tenants, events*2/3)
	mu.Lock()
	complete = true
	mu.Unlock()
	all.Wait()
	compiler := filter.NewCompiler(schema.NewRegistry())
	var log []*gateway.Event
	for after := gateway.Position(0); after < w.store.Head(); after = log[len(log)-1].Position {
		page, err := w.store.ReadAfter(t.Context(), after, 1000, 0)
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, page...)
	}
	total := 0
	for i, r := range records {
		want := r.want(log, compiler)
		if len(r.faults) > 0 || !slices.Equal(r.got, want) {
			t.Errorf("reader %d of %+v: %d events, want %d; %q", i, r.filters, len(r.got), len(want), r.faults)
		}
		total += len(r.got)
	}
	if total < 10_000 {
		t.Errorf("%d events were read, which proves little", total)
	}
}
