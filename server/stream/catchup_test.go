package stream_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

func TestAnEventComesOnceWithTheFiltersThatSelectIt(t *testing.T) {
	t.Parallel()
	for name, tailBytes := range map[string]int{"from memory": tail.DefaultBytes, "from the log": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tailBytes)
			for _, eventType := range []string{"order.created", "payment.made", "other", "order.closed"} {
				w.publish(eventType, 1)
			}
			r := w.open(stream.Request{Start: gateway.Start{Kind: gateway.StartEarliest}, Filters: []stream.Filter{
				{Name: "made", Filter: gateway.Filter{Types: []string{"payment.made"}}},
				{Name: "third", Filter: gateway.Filter{Types: []string{"*"}, Expression: "event.type == 'other'"}},
				{Name: "order", Filter: gateway.Filter{Types: []string{"order.*", "order.closed"}}},
				{Name: "closed", Filter: gateway.Filter{Types: []string{"order.closed"}}},
			}})
			for _, want := range [][]string{{"order"}, {"made"}, {"third"}, {"order", "closed"}} {
				if got := r.message(t, gateway.StreamEvent); !slices.Equal(got.Filters, want) {
					t.Errorf("%s comes with %q, want %q", got.Event.Type, got.Filters, want)
				}
			}
		})
	}
}

// A stream reports whether what comes next is new: when it begins, and at once when that changes.
func TestAStreamTellsWhetherItIsLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.publish("a", 300)
		now := w.subscribe(gateway.Start{})
		if begin := now.next(t); !begin.Live {
			t.Errorf("from now: %+v, want live", begin)
		}
		early := w.subscribe(gateway.Start{Kind: gateway.StartEarliest}, "a")
		if begin := early.next(t); begin.Live {
			t.Errorf("from the earliest: %+v, want not live", begin)
		}
		for range 300 {
			if got := early.next(t); got.Kind != gateway.StreamEvent {
				t.Fatalf("got %+v, want the stored events first", got)
			}
		}
		if got := early.next(t); got.Kind != gateway.StreamHeartbeat || !got.Live || got.Cursor.Position != 300 {
			t.Errorf("got %+v, want to hear at once of having caught up", got)
		}
		for _, one := range []*reader{now, early} {
			one.cancel(context.Canceled)
			<-one.ended
		}
	})
}

// purge removes the tenant's events up to a position, as retention does.
func (w *world) purge(to gateway.Position) {
	w.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(w.folder, "postrider.db")+"?_busy_timeout=5000")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, query := range []string{
		"update tenant set purged_to = ? where id = ?", "delete from event where position <= ? and tenant_id = ?",
	} {
		if _, err := db.ExecContext(w.t.Context(), query, int64(to), int64(w.tenant.ID)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// A reader that retention overtakes hears of it once, at the place where it happens, and goes on behind it.
func TestAPurgeDuringReplayIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.publish("a", 1000)
	r := w.subscribe(gateway.Start{Kind: gateway.StartEarliest}, "a")
	if begin := r.next(t); begin.Gap != gateway.GapNone {
		t.Errorf("begins with %+v", begin)
	}
	first := r.message(t, gateway.StreamEvent)
	w.purge(700)
	last, gaps := first.Event.Position, 0
	for last < 1000 {
		got := r.next(t)
		switch got.Kind {
		case gateway.StreamGap:
			gaps++
			if got.Gap != gateway.GapRetention || got.Cursor.Position != 700 || got.Cursor.Position < last {
				t.Errorf("after %d: %+v", last, got)
			}
			last = got.Cursor.Position
		case gateway.StreamEvent:
			if got.Event.Position != last+1 {
				t.Fatalf("position %d follows %d and nothing was said", got.Event.Position, last)
			}
			last = got.Event.Position
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps were told, want 1", gaps)
	}
	again := w.open(stream.Request{Start: gateway.StartAfter(first.Cursor)})
	again.next(t)
	if got := again.next(t); got.Kind != gateway.StreamGap || got.Cursor.Position != 700 {
		t.Errorf("who comes back with a purged place gets %+v", got)
	}
	if got := again.message(t, gateway.StreamEvent); got.Event.Position != 701 {
		t.Errorf("the first event after the gap is %d", got.Event.Position)
	}
}
