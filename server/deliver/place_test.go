package deliver_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// database opens a second, reading connection to the world's database.
func (w *world) database() *sql.DB {
	w.t.Helper()
	return w.openDatabase("?_query_only=1")
}

// writeDatabase opens a connection for changes. The server must not be running.
func (w *world) writeDatabase() *sql.DB {
	w.t.Helper()
	db := w.openDatabase("")
	w.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (w *world) openDatabase(options string) *sql.DB {
	w.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(w.data, "postrider.db")+options)
	if err != nil {
		w.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

func execute(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatal(err)
	}
}

// checkPlaces checks the current database against the invariant of the mark: every selected event at or below the stored
// position of a subscription has a row. A server that started now would lose any other.
func checkPlaces(t testing.TB, db *sql.DB) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, sub := range readSubscriptions(t, tx) {
		var mark gateway.Position
		if err := tx.QueryRow("select mark from subscription_group where id = ?", sub.Group).Scan(&mark); err != nil {
			t.Fatal(err)
		}
		place := sub.Place(mark)
		rows, err := tx.Query(`select position, type from event where position > ? and position <= ?
			and position not in (select position from delivery where subscription_id = ? and run = 0)`,
			sub.Start.Position, place, sub.ID)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var p gateway.Position
			var kind string
			if err := rows.Scan(&p, &kind); err != nil {
				t.Fatal(err)
			}
			if wanted(sub.Filter, p, kind) {
				t.Errorf("%s: its place is %d (mark %d, cursor %v), but event %d has no row", sub.Name, place, mark, sub.Cursor, p)
			}
		}
		_ = rows.Close()
	}
}

// everyThird is an expression for tests: the event n is at position n.
const everyThird = `event.data.n % 3 == 0`

// wanted reports whether a filter, with everyThird or without an expression, selects the event at a position.
func wanted(f gateway.Filter, p gateway.Position, kind string) bool {
	return f.Match(kind) && (f.Expression == "" || p%3 == 0)
}

func readSubscriptions(t testing.TB, tx *sql.Tx) (subs []*gateway.Subscription) {
	t.Helper()
	rows, err := tx.Query("select id, group_id, name, filter_types, coalesce(filter_expression, ''), start_position, cursor_position from subscription")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		sub := &gateway.Subscription{}
		var types []byte
		var cursor sql.NullInt64
		if err := rows.Scan(&sub.ID, &sub.Group, &sub.Name, &types, &sub.Filter.Expression, &sub.Start.Position, &cursor); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(types, &sub.Filter.Types); err != nil {
			t.Fatal(err)
		}
		if cursor.Valid {
			place := gateway.Position(cursor.Int64)
			sub.Cursor = &place
		}
		subs = append(subs, sub)
	}
	return subs
}

// writes returns a number that changes with each commit.
func writes(t testing.TB, db *sql.DB) (version int64) {
	t.Helper()
	if err := db.QueryRow("pragma data_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

func TestIdleSubscriptionsWriteNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		var subs []*gateway.Subscription
		for i := range 300 {
			sub, _ := w.subscribe(fmt.Sprint("s", i), gateway.StartNow, gateway.Policy{}, fmt.Sprintf("a%d.*", i%7), "b")
			subs = append(subs, sub)
		}
		w.publish("a1.x", "b", "c")
		pass(time.Minute)
		db := w.database()
		defer func() { _ = db.Close() }()
		before := writes(t, db)
		pass(24 * time.Hour)
		equal(t, "writes in a quiet day", writes(t, db)-before, 0)
		equal(t, "mark", w.mark(), 3)
		equal(t, "cursor of its own", w.stored(subs[0]).Cursor, nil)

		// Events that no subscription selects cost a mark now and then, whatever the number of subscriptions.
		before = writes(t, db)
		for range 100 {
			w.publish("nobody.wants")
		}
		pass(time.Minute)
		if n := writes(t, db) - before; n > 103 {
			t.Errorf("%d commits for 100 appends", n)
		}
	})
}

// Each group of subscriptions has a mark of its own: an attempt under way holds back only the mark of its group.
func TestEachGroupHasItsOwnMark(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		a, slow := w.subscribe("a", gateway.StartNow, gateway.Policy{}, "t")
		b, _ := w.subscribe("b", gateway.StartNow, gateway.Policy{}, "t")
		w.publishN(3, "t")
		pass(time.Minute)
		w.stop()
		db := w.writeDatabase()
		execute(t, db, "insert into subscription_group (id, mark) select 1, mark from subscription_group")
		execute(t, db, "update subscription set group_id = 1 where id = ?", b.ID)
		w.start()
		slow.set(func(context.Context, *target.Message, int) gateway.Outcome {
			taking(900 * time.Millisecond)()
			return delivered
		})
		w.publish("t")
		pass(800 * time.Millisecond)
		equal(t, "mark of the slow group", w.marks()[0], 3)
		equal(t, "mark of the other group", w.marks()[1], 4)
		checkPlaces(t, db)
		pass(time.Minute)
		equal(t, "mark of the slow group, later", w.marks()[0], 4)
		c, _ := w.subscribe("c", gateway.StartNow, gateway.Policy{}, "t")
		w.publish("t")
		w.restart()
		pass(time.Minute)
		for _, sub := range []*gateway.Subscription{a, b, c} {
			equal(t, sub.Name+": cursor", w.stored(sub).Cursor, nil)
			equal(t, sub.Name+": state", w.delivery(sub, 5).State, gateway.DeliveryDelivered)
		}
		checkPlaces(t, db)
	})
}

// A subscription that lags reads the log at its own pace, holds back no other position, and returns to the shared mark.
func TestLaggingSubscriptionGoesAloneAndComesBack(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		slow, e := w.subscribe("slow", gateway.StartNow, gateway.Policy{Concurrency: 8})
		fast, fastEndpoint := w.subscribe("fast", gateway.StartNow, gateway.Policy{})
		e.set(func(context.Context, *target.Message, int) gateway.Outcome {
			time.Sleep(20 * time.Millisecond)
			return delivered
		})
		for range 40 {
			w.publishN(1000, "a")
			pass(50 * time.Millisecond)
		}
		pass(3 * time.Second)
		equal(t, "fast one's place", w.health(fast).Place, 40_000)
		equal(t, "mark", w.mark(), 40_000)
		if w.stored(slow).Cursor == nil {
			t.Error("the slow one has no cursor of its own")
		}
		e.set(always(delivered))
		pass(time.Minute)
		equal(t, "slow one's place", w.health(slow).Place, 40_000)
		equal(t, "received", len(e.ids()), 40_000)
		equal(t, "received by the fast one", len(fastEndpoint.ids()), 40_000)
		if c := w.stored(slow).Cursor; c != nil {
			t.Errorf("the slow one has not come back: %d", *c)
		}
	})
}

// TestEverythingArrives chooses at random how endpoints respond, what people do, and when the server stops. The tail is so
// small that lagging subscriptions read the store. The stored positions always keep the invariant. In the end every event
// has arrived, and none twice except for attempts that a stop cut off.
func TestEverythingArrives(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) { newTurmoil(w, seed).run() })
		})
	}
}

type turmoil struct {
	*world
	random *rand.Rand
	subs   []*gateway.Subscription
	// from is the position at which each subscription begins.
	from   map[string]gateway.Position
	paused map[string]bool
	types  []string
	log    []string
	stops  int
}

func newTurmoil(w *world, seed uint64) *turmoil {
	return &turmoil{
		world: w, random: rand.New(rand.NewPCG(seed, 7)),
		from: map[string]gateway.Position{}, paused: map[string]bool{},
		types: []string{"a", "b", "a.x", "a.y.z", "c"},
	}
}

func (w *turmoil) run() {
	w.stop()
	w.tailBytes, w.stopTimeout = 50_000, 3*time.Second
	w.start()
	for _, types := range [][]string{nil, {"a"}, {"a.*"}, {"a.*", "b"}, {"c"}} {
		w.create(gateway.Filter{Types: types})
	}
	w.create(gateway.Filter{Expression: everyThird})
	w.create(gateway.Filter{Types: []string{"a.*", "b"}, Expression: everyThird})
	for range 30 {
		w.step()
	}
	w.calm()
	w.verify()
}

func (w *turmoil) create(filter gateway.Filter) {
	name := fmt.Sprint("s", len(w.subs))
	start := gateway.StartNow
	if w.random.IntN(2) == 0 {
		start = gateway.StartEarliest
	}
	sub, e := w.subscribeTo(name, start, gateway.Policy{Concurrency: 1 + w.random.IntN(16)}, filter)
	w.subs = append(w.subs, sub)
	w.from[name] = sub.Start.Position
	w.trouble(e)
}

// trouble chooses how an endpoint behaves from now on.
func (w *turmoil) trouble(e *endpoint) {
	mode, base := w.random.IntN(6), time.Duration(w.random.IntN(50))*time.Millisecond
	seed := w.random.Uint64()
	e.set(func(ctx context.Context, m *target.Message, nth int) gateway.Outcome {
		chance := rand.New(rand.NewPCG(seed, uint64(nth))).IntN(100)
		switch {
		case mode == 1:
			return endpointFailure
		case mode == 2 && chance < 30:
			return endpointFailure
		case mode == 3 && chance < 20:
			return eventFailure
		case mode == 4 && chance < 3:
			return slowDown(time.Duration(1+chance) * time.Second)
		case mode == 5 && chance < 5:
			time.Sleep(time.Duration(chance+1) * time.Second)
			return endpointFailure
		}
		time.Sleep(base)
		return delivered
	})
}

func (w *turmoil) step() {
	w.burst()
	sub := w.subs[w.random.IntN(len(w.subs))]
	switch w.random.IntN(8) {
	case 0:
		w.toggle(sub)
	case 1, 2, 3:
		w.trouble(w.endpoints[sub.Name])
	case 4:
		if len(w.subs) < 12 {
			w.create(gateway.Filter{Types: []string{w.types[w.random.IntN(len(w.types))]}, Expression: []string{"", everyThird}[w.random.IntN(2)]})
		}
	case 5:
		w.stops++
		w.restart()
	}
	pass(time.Duration(w.random.IntN(3000)) * time.Millisecond)
	db := w.database()
	checkPlaces(w.t, db)
	_ = db.Close()
}

func (w *turmoil) burst() {
	for range w.random.IntN(4) {
		types := make([]string, 1+w.random.IntN(400))
		for i := range types {
			types[i] = w.types[w.random.IntN(len(w.types))]
		}
		w.publish(types...)
		w.log = append(w.log, types...)
	}
}

func (w *turmoil) toggle(sub *gateway.Subscription) {
	change := w.engine.Pause
	if w.paused[sub.Name] {
		change = w.engine.Resume
	}
	if _, err := change(w.ctx, sub.ID); err != nil {
		w.t.Fatal(err)
	}
	w.paused[sub.Name] = !w.paused[sub.Name]
}

func (w *turmoil) calm() {
	for _, sub := range w.subs {
		w.endpoints[sub.Name].set(always(delivered))
		if w.paused[sub.Name] {
			w.toggle(sub)
		}
	}
	pass(100 * time.Hour)
}

func (w *turmoil) verify() {
	for _, sub := range w.subs {
		times := map[string]int{}
		for _, r := range w.endpoints[sub.Name].received() {
			if r.kind == gateway.OutcomeDelivered {
				times[r.id]++
			}
		}
		missing, repeated, want := 0, 0, 0
		for i, kind := range w.log {
			if p := gateway.Position(i + 1); p <= w.from[sub.Name] || !wanted(sub.Filter, p, kind) {
				continue
			}
			want++
			switch n := times[fmt.Sprint(i+1)]; {
			case n == 0:
				missing++
			case n > 1:
				repeated++
			}
		}
		if missing > 0 || repeated > 0 || len(times) != want {
			w.t.Errorf("%s %v from %d: %d wanted, %d received, %d missing, %d more than once (%d stops)",
				sub.Name, sub.Filter, w.from[sub.Name], want, len(times), missing, repeated, w.stops)
		}
		if place := w.health(sub).Place; place != gateway.Position(len(w.log)) {
			w.t.Errorf("%s: place %d, not %d", sub.Name, place, len(w.log))
		}
		if c := w.stored(sub).Cursor; c != nil {
			w.t.Errorf("%s has not come back to the mark: %d", sub.Name, *c)
		}
	}
	if mark := w.mark(); mark != gateway.Position(len(w.log)) {
		w.t.Errorf("mark %d, not %d", mark, len(w.log))
	}
}
