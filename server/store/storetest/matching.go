package storetest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var matchingCases = []testCase{
	{"one tenant, few types", func(t *testing.T, fresh Fresh) { testAgainstOracle(t, fresh, 1, 12) }},
	{"three tenants, few types", func(t *testing.T, fresh Fresh) { testAgainstOracle(t, fresh, 3, 30) }},
	{"two tenants, more types than are read by index", func(t *testing.T, fresh Fresh) { testAgainstOracle(t, fresh, 2, 320) }},
	{"a scan that is cut by bytes leaves nothing out", testScanCutByBytes},
	{"beyond the head and before the start there is nothing", testMatchingEdges},
}

// corpus is what was published, for a naive oracle.
type corpus struct {
	w       *world
	random  *rand.Rand
	tenants []gateway.TenantID
	types   []string
	events  []*gateway.Event
}

// newCorpus publishes more events than one scan looks at.
func newCorpus(t *testing.T, fresh Fresh, tenants, types int) *corpus {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &corpus{w: running(t, fresh), random: rand.New(rand.NewPCG(seed, 0))}
	c.tenants = []gateway.TenantID{c.w.tenantID()}
	for i := 1; i < tenants; i++ {
		c.tenants = append(c.tenants, must(c.w.CreateTenant(context.Background(), gateway.Tenant{Name: fmt.Sprint("tenant", i)}))(t).ID)
	}
	roots := []string{"order", "order-x", "orders", "Order", "user_a", "a", "z.z"}
	for i := range types {
		name := roots[i%len(roots)]
		if i >= len(roots) {
			name += fmt.Sprintf(".%c%d", 'a'+i%3, i)
		}
		c.types = append(c.types, name)
	}
	for range 8 {
		var batch []store.NewEvent
		for range 1000 {
			batch = append(batch, c.event())
		}
		c.w.publish(batch...)
	}
	return c
}

func (c *corpus) event() store.NewEvent {
	// Types differ much in how often they come.
	kind := c.types[int(float64(len(c.types))*c.random.Float64()*c.random.Float64())]
	n := c.w.event(fmt.Sprint("evt_", len(c.events)), func(e *gateway.Event) {
		e.Tenant, e.Type = c.tenants[c.random.IntN(len(c.tenants))], kind
		if c.random.IntN(4) == 0 {
			e.Subject = fmt.Sprint("subject/", c.random.IntN(20))
		}
		if c.random.IntN(100) == 0 {
			e.Data = bytes.Repeat([]byte("x"), c.random.IntN(20_000))
		}
	})
	c.events = append(c.events, n.Event)
	return n
}

func (c *corpus) filter() gateway.Filter {
	var f gateway.Filter
	for range c.random.IntN(4) {
		name := c.types[c.random.IntN(len(c.types))]
		switch c.random.IntN(6) {
		case 0:
			f.Types = append(f.Types, "*")
		case 1, 2:
			f.Types = append(f.Types, []string{"order.*", "order-x.*", "Order.*", "z.*", "user_a.*", "none.*"}[c.random.IntN(6)])
		case 3:
			f.Types = append(f.Types, "no.such.type", name)
		default:
			f.Types = append(f.Types, name)
		}
	}
	return f
}

// selected is the oracle.
func (c *corpus) selected(tenant gateway.TenantID, f gateway.Filter, after, upTo gateway.Position) (positions []gateway.Position) {
	for _, e := range c.events {
		if e.Tenant == tenant && f.Match(e.Type) && e.Position > after && e.Position <= upTo {
			positions = append(positions, e.Position)
		}
	}
	return positions
}

func testAgainstOracle(t *testing.T, fresh Fresh, tenants, types int) {
	c := newCorpus(t, fresh, tenants, types)
	t.Run("ReadMatching", c.testReadMatching)
	t.Run("CountMatching", c.testCountMatching)
	t.Run("ListEvents", c.testListEvents)
	t.Run("ReadAfter", c.testReadAfter)
	t.Run("PositionBefore", c.testPositionBefore)
}

// testReadMatching pages through and must come to exactly the oracle's list.
func (c *corpus) testReadMatching(t *testing.T) {
	for range 15 {
		tenant, f := c.tenants[c.random.IntN(len(c.tenants))], c.filter()
		from, upTo := c.span()
		limit := 1 + c.random.IntN([]int{5, 100, 3000}[c.random.IntN(3)])
		maxBytes := []int{0, 1, 5_000, 100_000, 10 << 20}[c.random.IntN(5)]
		if limit < 50 || maxBytes > 0 && maxBytes < 10_000 {
			from = max(from, upTo-300) // small pages: a shorter way
		}
		var got []gateway.Position
		for after := from; after < upTo; {
			events, scanned, err := c.w.ReadMatching(context.Background(), tenant, f, after, upTo, limit, maxBytes)
			if err != nil {
				t.Fatal(err)
			}
			c.checkPage(t, events, after, scanned, limit, maxBytes)
			for _, e := range events {
				got = append(got, e.Position)
			}
			if scanned <= after {
				t.Fatalf("%v: no progress after %d", f, after)
			}
			after = scanned
		}
		want := c.selected(tenant, f, from, upTo)
		if !slices.Equal(got, want) {
			t.Fatalf("tenant %d, %v, (%d, %d], limit %d, %d bytes: read %d events, want %d\n%v\n%v",
				tenant, f, from, upTo, limit, maxBytes, len(got), len(want), got, want)
		}
	}
}

func (c *corpus) checkPage(t *testing.T, events []*gateway.Event, after, scanned gateway.Position, limit, maxBytes int) {
	t.Helper()
	if len(events) > limit {
		t.Fatalf("%d events, want at most %d", len(events), limit)
	}
	size := 0
	for _, e := range events {
		size += e.Size()
		if e.Position <= after || e.Position > scanned {
			t.Fatalf("event at %d is outside (%d, %d]", e.Position, after, scanned)
		}
		if want := c.events[e.Position-1]; e.ID != want.ID || !bytes.Equal(e.Data, want.Data) || e.Subject != want.Subject {
			t.Fatalf("event at %d: %s, want %s", e.Position, shown(e), shown(want))
		}
	}
	if maxBytes > 0 && size > maxBytes && len(events) > 1 {
		t.Fatalf("%d events of %d bytes, want at most %d", len(events), size, maxBytes)
	}
}

func (c *corpus) span() (after, upTo gateway.Position) {
	n := len(c.events)
	after, upTo = gateway.Position(c.random.IntN(n)), gateway.Position(c.random.IntN(n+1))
	if after > upTo {
		after, upTo = upTo, after
	}
	if c.random.IntN(3) == 0 {
		after = 0
	}
	if c.random.IntN(3) == 0 {
		upTo = gateway.Position(n)
	}
	return after, upTo
}

func (c *corpus) testCountMatching(t *testing.T) {
	for range 60 {
		tenant, f := c.tenants[c.random.IntN(len(c.tenants))], c.filter()
		after, upTo := c.span()
		limit := 1 + c.random.IntN(9_000)
		if 10*limit < int(upTo-after) {
			upTo = after + gateway.Position(10*limit) // as far as a scan counts
		}
		got := must(c.w.CountMatching(context.Background(), tenant, f, after, upTo, limit))(t)
		if want := min(limit, len(c.selected(tenant, f, after, upTo))); got != want {
			t.Fatalf("tenant %d, %v, (%d, %d], limit %d: counted %d, want %d", tenant, f, after, upTo, limit, got, want)
		}
		byType := 0
		for name, n := range must(c.w.CountByType(context.Background(), tenant, after, upTo))(t) {
			if f.Match(name) {
				byType += n
			}
		}
		if want := len(c.selected(tenant, f, after, upTo)); byType != want {
			t.Fatalf("tenant %d, %v, (%d, %d]: counted %d by type, want %d", tenant, f, after, upTo, byType, want)
		}
	}
}

func (c *corpus) testListEvents(t *testing.T) {
	for range 20 {
		q := store.EventQuery{Tenant: c.tenants[c.random.IntN(len(c.tenants))], Filter: c.filter(), Limit: 100 + c.random.IntN(900)}
		if c.random.IntN(2) == 0 {
			q.Subject, q.Limit = fmt.Sprint("subject/", c.random.IntN(20)), 1+c.random.IntN(50)
		}
		if c.random.IntN(3) == 0 {
			q.From = &c.events[c.random.IntN(len(c.events))].AcceptTime
		}
		if c.random.IntN(3) == 0 {
			q.To = &c.events[c.random.IntN(len(c.events))].AcceptTime
		}
		want := c.listed(q)
		var got []gateway.Position
		for page := q; ; {
			events, next, err := c.w.ListEvents(context.Background(), page)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) > q.Limit {
				t.Fatalf("%d events, want at most %d", len(events), q.Limit)
			}
			for _, e := range events {
				got = append(got, e.Position)
			}
			if next == 0 {
				break
			}
			if page.Before > 0 && next >= page.Before {
				t.Fatalf("no progress below %d", page.Before)
			}
			page.Before = next
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: listed %d events, want %d\n%v\n%v", q, len(got), len(want), got, want)
		}
	}
}

// listed is the oracle of a list.
func (c *corpus) listed(q store.EventQuery) (positions []gateway.Position) {
	for _, e := range slices.Backward(c.events) {
		if e.Tenant == q.Tenant && q.Filter.Match(e.Type) && (q.Subject == "" || e.Subject == q.Subject) &&
			(q.From == nil || !e.AcceptTime.Before(*q.From)) && (q.To == nil || e.AcceptTime.Before(*q.To)) {
			positions = append(positions, e.Position)
		}
	}
	return positions
}

func (c *corpus) testReadAfter(t *testing.T) {
	for range 20 {
		after, maxBytes := gateway.Position(c.random.IntN(len(c.events))), 1+c.random.IntN(100_000)
		events := must(c.w.ReadAfter(context.Background(), after, 500, maxBytes))(t)
		c.checkPage(t, events, after, after+500, 500, maxBytes)
		for i, e := range events {
			if e.Position != after+1+gateway.Position(i) {
				t.Fatalf("event %d after %d is at %d", i, after, e.Position)
			}
		}
		if len(events) == 0 {
			t.Fatalf("nothing after %d", after)
		}
	}
}

func (c *corpus) testPositionBefore(t *testing.T) {
	first, last := c.events[0].AcceptTime, c.events[len(c.events)-1].AcceptTime
	times := []time.Time{{}, first, first.Add(time.Nanosecond), last, last.Add(time.Nanosecond), last.Add(time.Hour)}
	for range 30 {
		times = append(times, c.events[c.random.IntN(len(c.events))].AcceptTime.Add(time.Duration(c.random.IntN(3)-1)))
	}
	for _, at := range times {
		want := gateway.Position(0)
		for _, e := range c.events {
			if e.AcceptTime.Before(at) {
				want = e.Position
			}
		}
		if got := must(c.w.PositionBefore(context.Background(), at))(t); got != want {
			t.Errorf("position before %v = %d, want %d", at, got, want)
		}
	}
}

// testScanCutByBytes has a small event before one that does not fit the page.
func testScanCutByBytes(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	sized := func(n int) func(*gateway.Event) {
		return func(e *gateway.Event) { e.Data = bytes.Repeat([]byte("x"), n) }
	}
	w.publish(w.event("small", sized(10)), w.event("large", sized(10_000)), w.event("last", sized(10)))
	var got []string
	for after := gateway.Position(0); after < 3; {
		events, scanned, err := w.ReadMatching(context.Background(), w.tenantID(), gateway.Filter{}, after, 3, 100, 5_000)
		if err != nil || scanned <= after {
			t.Fatalf("scanned %d after %d: %v", scanned, after, err)
		}
		for _, e := range events {
			got = append(got, e.ID)
		}
		after = scanned
	}
	equal(t, "events", got, []string{"small", "large", "last"})
}

func testMatchingEdges(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(3)
	for _, f := range []gateway.Filter{{}, {Types: []string{"order.*"}}, {Types: []string{"order.created"}}, {Types: []string{"none"}}} {
		for _, span := range [][2]gateway.Position{{3, 3}, {3, 10}, {5, 2}} {
			events, scanned, err := w.ReadMatching(context.Background(), w.tenantID(), f, span[0], span[1], 10, 0)
			if err != nil || len(events) > 0 || scanned != span[0] {
				t.Errorf("%v %v: %d events, scanned %d, %v", f, span, len(events), scanned, err)
			}
		}
		// What is not committed yet has not been looked at.
		_, scanned, err := w.ReadMatching(context.Background(), w.tenantID(), f, 0, 100, 10, 0)
		if err != nil || scanned != 3 {
			t.Errorf("%v: scanned %d, %v, want 3", f, scanned, err)
		}
	}
	equal(t, "count", must(w.CountMatching(context.Background(), w.tenantID(), gateway.Filter{}, 2, 1, 10))(t), 0)
	equal(t, "before the first event", must(w.PositionBefore(context.Background(), time.Unix(0, 0)))(t), 0)
}
