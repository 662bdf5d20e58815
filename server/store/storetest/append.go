package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var appendCases = []testCase{
	{"what is appended reads back", testRoundTrip},
	{"positions are dense and in the order of requests", testDense},
	{"what waits is committed as one group", testGroupCommit},
	{"a group is bounded", testGroupBounds},
	{"concurrent publishers leave no hole", testConcurrentPublishers},
	{"a request is stored whole or not at all", testAllOrNone},
	{"the tail has the event before the publisher has the answer", testTailFirst},
	{"accept time never decreases", testAcceptTime},
	{"text that cannot be stored fails its own request", testUnstorableText},
	{"positions go on after a restart", testPositionsAfterRestart},
}

func testRoundTrip(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	version := registered(w, "shop.v1.Order").Types["shop.v1.Order"].Latest().ID
	broken := []gateway.Violation{{Field: "event.data.a", Message: "is \"wrong\""}, {Field: "event.data", Rule: "r", Message: "ü"}}
	times := []time.Time{
		{}, // filled by the store
		time.Date(1, 1, 1, 0, 0, 1, 1, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2026, 2, 3, 4, 5, 6, 789_012_345, time.UTC),
	}
	var sent []store.NewEvent
	for i, at := range times {
		sent = append(sent, w.event(fmt.Sprintf("evt_%d", i), func(e *gateway.Event) {
			e.Time = at
			e.Subject = []string{"", "order/ünïcode", "a", "*"}[i]
			e.Data = [][]byte{[]byte(`{"n":9007199254740993}`), {}, {0, 1, 2, 0xff}, bytes.Repeat([]byte("x"), 1<<20)}[i]
			e.Schema = []gateway.SchemaID{0, version, version, 0}[i]
			e.OrderingKey = []string{"", "customer 1", "", "ü"}[i]
			e.Violations = [][]gateway.Violation{nil, nil, broken, broken[:1]}[i]
			e.Unfit = []gateway.SchemaID{0, 0, 0, version}[i]
		}))
	}
	for i, a := range w.publish(sent...) {
		want := sent[i].Event
		got := must(w.EventByID(context.Background(), want.Tenant, want.ID))(t)
		if a.Duplicate || got.Position != a.Position || got.ID != want.ID || got.Type != want.Type || got.Source != want.Source ||
			got.Subject != want.Subject || got.Schema != want.Schema || !bytes.Equal(got.Data, want.Data) ||
			got.OrderingKey != want.OrderingKey || got.Unfit != want.Unfit || !slices.Equal(got.Violations, want.Violations) ||
			!got.Time.Equal(want.Time) || !got.AcceptTime.Equal(want.AcceptTime) {
			t.Errorf("event %d: got %s, want %s", i, shown(got), shown(want))
		}
	}
	if e := sent[0].Event; !e.Time.Equal(e.AcceptTime) || e.Time.IsZero() {
		t.Errorf("time = %v, want that of receipt, %v", e.Time, e.AcceptTime)
	}
}

func shown(e *gateway.Event) string {
	return fmt.Sprintf("%d %s %s %s %q %v %v %d, %d bytes, key %q, breaks %v of %d", e.Position, e.ID, e.Type, e.Source, e.Subject,
		e.Time, e.AcceptTime, e.Schema, len(e.Data), e.OrderingKey, e.Violations, e.Unfit)
}

func testDense(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	a := w.queue(context.Background(), w.event("a1"), w.event("a2"))
	b := w.queue(context.Background(), w.event("b1"))
	c := w.queue(context.Background(), w.event("c1"), w.event("c2"), w.event("c3"))
	w.start()
	next := gateway.Position(1)
	for _, p := range []*pending{a, b, c} {
		for _, got := range must(p.wait())(t) {
			equal(t, "appended", got, store.Appended{Position: next})
			next++
		}
	}
	equal(t, "head", w.Head(), next-1)
}

func testGroupCommit(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	var waiting []*pending
	for i := range 150 {
		waiting = append(waiting, w.queue(context.Background(), w.event(fmt.Sprintf("evt_%d", i))))
	}
	w.start()
	for _, p := range waiting {
		must(p.wait())(t)
	}
	groups := w.commits()
	if len(groups) != 1 || len(groups[0]) != 150 {
		t.Fatalf("%d groups, want one of 150 events", len(groups))
	}
	for i, e := range groups[0] {
		equal(t, "position in the group", e.Position, gateway.Position(i+1))
	}
}

func testGroupBounds(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh, func(c *store.Config) { c.MaxGroupEvents, c.MaxGroupBytes = 10, 5_000 })
	big := func(e *gateway.Event) { e.Data = bytes.Repeat([]byte("x"), 4_000) }
	ctx := context.Background()
	waiting := []*pending{
		w.queue(ctx, w.event("big1", big)), w.queue(ctx, w.event("big2", big)),
		w.queue(ctx, w.event("huge", func(e *gateway.Event) { e.Data = bytes.Repeat([]byte("x"), 9_000) })),
	}
	for i := range 12 {
		waiting = append(waiting, w.queue(ctx, w.event(fmt.Sprintf("small%d", i))))
	}
	w.start()
	for _, p := range waiting {
		must(p.wait())(t)
	}
	var sizes []int
	for _, g := range w.commits() {
		sizes = append(sizes, len(g))
	}
	equal(t, "groups", sizes, []int{1, 1, 1, 10, 2})
}

func testConcurrentPublishers(t *testing.T, fresh Fresh) {
	const publishers, requests, batch = 16, 20, 3
	w := running(t, fresh)
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			last := gateway.Position(0)
			for r := range requests {
				var events []store.NewEvent
				for i := range batch {
					events = append(events, w.event(fmt.Sprintf("evt_%d_%d_%d", p, r, i)))
				}
				acks, err := w.Append(context.Background(), w.RegistryRevision(), events)
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				for i, a := range acks {
					if a.Position <= last || i > 0 && a.Position != last+1 {
						t.Errorf("position %d after %d", a.Position, last)
					}
					last = a.Position
				}
			}
		})
	}
	wg.Wait()
	const total = publishers * requests * batch
	equal(t, "head", w.Head(), gateway.Position(total))
	events := must(w.ReadAfter(context.Background(), 0, total+1, 0))(t)
	seen := map[string]bool{}
	for i, e := range events {
		if e.Position != gateway.Position(i+1) || seen[e.ID] {
			t.Fatalf("event %d is %s at %d", i, e.ID, e.Position)
		}
		seen[e.ID] = true
	}
	equal(t, "events read", len(seen), total)
	var told []gateway.Position
	for _, g := range w.commits() {
		for _, e := range g {
			told = append(told, e.Position)
		}
	}
	for i, p := range told {
		if p != gateway.Position(i+1) {
			t.Fatalf("the tail was told %d as number %d", p, i+1)
		}
	}
	equal(t, "events told", len(told), total)
}

func testAllOrNone(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publish(w.event("taken"))
	_, err := w.Append(context.Background(), w.RegistryRevision(), []store.NewEvent{
		w.event("new1"), w.event("taken", content("other")), w.event("new2"),
	})
	var conflict *store.ConflictError
	if !errors.As(err, &conflict) || conflict.Index != 1 {
		t.Fatalf("error = %v, want a conflict at 1", err)
	}
	equal(t, "head", w.Head(), 1)
	for _, id := range []string{"new1", "new2"} {
		_, err := w.EventByID(context.Background(), w.tenantID(), id)
		notFound(t, err)
	}
}

func testTailFirst(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	var told gateway.Position
	w.onCommit = func(events []*gateway.Event) { told = events[len(events)-1].Position }
	w.start()
	for i := range 20 {
		ack := w.publish(w.event(fmt.Sprint("evt_", i)))[0]
		w.mu.Lock()
		equal(t, "told", told, ack.Position)
		w.mu.Unlock()
	}
}

// testAcceptTime turns the clock back by decades: the bubble's begins in 2000.
func testAcceptTime(t *testing.T, fresh Fresh) {
	cfg := fresh(t)
	same := func(*testing.T) store.Config { return cfg }
	before := running(t, same)
	before.publish(before.event("before"))
	before.stop()
	synctest.Test(t, func(t *testing.T) {
		w := running(t, same)
		w.publish(w.event("after1"))
		w.publish(w.event("after2"))
		events := must(w.ReadAfter(context.Background(), 0, 10, 0))(t)
		if len(events) != 3 {
			t.Fatalf("%d events, want 3", len(events))
		}
		for _, e := range events[1:] {
			if e.AcceptTime.Before(events[0].AcceptTime) {
				t.Errorf("%s was accepted at %v, before %v", e.ID, e.AcceptTime, events[0].AcceptTime)
			}
		}
	})
}

func testUnstorableText(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	ctx := context.Background()
	good := w.queue(ctx, w.event("good"))
	nul := w.queue(ctx, w.event("nul", func(e *gateway.Event) { e.Subject = "a\x00b" }))
	broken := w.queue(ctx, w.event("broken", func(e *gateway.Event) { e.Source = "a\xff" }))
	w.start()
	must(good.wait())(t)
	for _, p := range []*pending{nul, broken} {
		_, err := p.wait()
		failsWith(t, err, gateway.CodeInvalid, gateway.ReasonInvalidField)
	}
	equal(t, "head", w.Head(), 1)
}

func testPositionsAfterRestart(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(3)
	w.restart()
	equal(t, "head", w.Head(), 3)
	equal(t, "appended", w.publish(w.event("next"))[0], store.Appended{Position: 4})
	w.restart()
	w.restart()
	equal(t, "appended", w.publish(w.event("one more"[:3]))[0], store.Appended{Position: 5})
}
