package storetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var readCases = []testCase{
	{"subjects are found at once, before they are indexed", testSubjectFresh},
	{"subjects are found after a restart", testSubjectsAfterRestart},
	{"subjects are found behind many events without one", testSubjectAmongNone},
	{"events at positions", testEventsAt},
	{"an event is found by its tenant alone", testEventByID},
	{"a page of a list is bounded in bytes", testListBytes},
	{"events at places within a number of bytes", testEventsWithin},
	{"the store answers that it is ready", testReady},
}

func subject(text string) func(*gateway.Event) {
	return func(e *gateway.Event) { e.Subject = text }
}

func (w *world) bySubject(text string, limit int) (ids []string) {
	w.t.Helper()
	q := store.EventQuery{Tenant: w.tenantID(), Subject: text, Limit: limit}
	for {
		events, next, err := w.ListEvents(context.Background(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range events {
			ids = append(ids, e.ID)
		}
		if next == 0 {
			return ids
		}
		q.Before = next
	}
}

// testSubjectFresh asks from within the commit, when nothing can have been indexed.
func testSubjectFresh(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	w.start()
	var want []string
	for i := range 30 {
		id := fmt.Sprint("evt_", i)
		w.publish(w.event(id, subject("s")), w.event(id+"x", subject("other")), w.event(id+"y"))
		want = append([]string{id}, want...)
		equal(t, "found", w.bySubject("s", 1+i%7), want)
	}
	equal(t, "found", w.bySubject("none", 5), nil)
}

func testSubjectsAfterRestart(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	a := w.queue(context.Background(), w.event("a", subject("s")))
	w.start()
	must(a.wait())(t)
	w.restart()
	equal(t, "found", w.bySubject("s", 10), []string{"a"})
	w.publish(w.event("b", subject("s")))
	w.restart()
	w.restart()
	w.publish(w.event("c"))
	equal(t, "found", w.bySubject("s", 1), []string{"b", "a"})
}

func testSubjectAmongNone(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	for i := range 25 {
		w.publish(w.event(fmt.Sprint("evt_", i), subject("s")))
		w.publishMany(1000)
	}
	equal(t, "found", len(w.bySubject("s", 4)), 25)
	w.restart()
	equal(t, "found", len(w.bySubject("s", 4)), 25)
}

func testEventsAt(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.publishMany(1200)
	var positions []gateway.Position
	for p := gateway.Position(-1); p < 1300; p++ {
		positions = append(positions, p)
	}
	found := must(w.EventsAt(context.Background(), positions))(t)
	equal(t, "found", len(found), 1200)
	for p, e := range found {
		equal(t, "position", e.Position, p)
	}
	equal(t, "found", len(must(w.EventsAt(context.Background(), nil))(t)), 0)
}

func testEventByID(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	other := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t)
	w.publish(w.event("evt_1"))
	equal(t, "event", must(w.EventByID(context.Background(), w.tenantID(), "evt_1"))(t).Position, 1)
	_, err := w.EventByID(context.Background(), other.ID, "evt_1")
	notFound(t, err)
	_, err = w.EventByID(context.Background(), w.tenantID(), "evt_2")
	notFound(t, err)
}

func testListBytes(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	for i := range 20 {
		w.publish(w.event(fmt.Sprint("evt_", i), func(e *gateway.Event) { e.Data = bytes.Repeat([]byte("x"), 1<<20) }))
	}
	q := store.EventQuery{Tenant: w.tenantID(), Limit: 100}
	var pages []int
	for {
		events, next, err := w.ListEvents(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, len(events))
		if next == 0 {
			break
		}
		q.Before = next
	}
	equal(t, "pages", pages, []int{3, 3, 3, 3, 3, 3, 2})
}

// A lane whose retries were due together read all their events at once, up to a gigabyte.
func testEventsWithin(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	positions := []gateway.Position{99}
	for i := range 6 {
		w.publish(w.event(fmt.Sprint("evt_", i), func(e *gateway.Event) { e.Data = bytes.Repeat([]byte("x"), 1<<20) }))
		positions = append(positions, gateway.Position(i+1))
	}
	for bytes, want := range map[int]int{0: 6, 1: 1, 3 << 20: 2, 64 << 20: 6} {
		found, all, err := w.EventsWithin(context.Background(), positions, bytes)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("events within %d bytes", bytes), len(found), want)
		equal(t, fmt.Sprintf("all within %d bytes", bytes), all, want == 6)
	}
}

func testReady(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	if err := w.Ready(context.Background()); err != nil {
		t.Error(err)
	}
}
