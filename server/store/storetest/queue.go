package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var queueCases = []testCase{
	{"the queue is bounded in bytes", testQueueBound},
	{"a request larger than the queue goes alone", testLargerThanQueue},
	{"what was queued is committed after the stop, nothing new is taken", testStop},
	{"a change whose caller went away before it began is not made", testCancelledChange},
	{"events checked under an older registry are refused", testRegistryChanged},
}

func testQueueBound(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh, func(c *store.Config) { c.MaxQueueBytes = 3_000 })
	big := func(e *gateway.Event) { e.Data = bytes.Repeat([]byte("x"), 1_000) }
	ctx := context.Background()
	first, second := w.queue(ctx, w.event("first", big)), w.queue(ctx, w.event("second", big))
	_, err := w.Append(ctx, 0, []store.NewEvent{w.event("third", big)})
	failsWith(t, err, gateway.CodeResourceExhausted, gateway.ReasonOverloaded)
	var e *gateway.Error
	if !errors.As(err, &e) || e.RetryAfter <= 0 {
		t.Errorf("error %v does not say when to try again", err)
	}
	w.start()
	must(first.wait())(t)
	must(second.wait())(t)
	w.publish(w.event("third", big))
	equal(t, "head", w.Head(), 3)
}

func testLargerThanQueue(t *testing.T, fresh Fresh) {
	w := running(t, fresh, func(c *store.Config) { c.MaxQueueBytes, c.MaxGroupBytes = 1_000, 1_000 })
	w.publish(w.event("huge", func(e *gateway.Event) { e.Data = bytes.Repeat([]byte("x"), 5_000) }))
	equal(t, "head", w.Head(), 1)
}

func testStop(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh, func(c *store.Config) { c.MaxGroupEvents = 1 })
	ctx := context.Background()
	waiting := []*pending{w.queue(ctx, w.event("a")), w.queue(ctx, w.event("b")), w.queue(ctx, w.event("c"))}
	recorded := make(chan struct{})
	w.Record(store.Result{Mark: 1, Committed: func() { close(recorded) }})
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := w.Run(stopped); err != nil {
		t.Fatal(err)
	}
	for _, p := range waiting {
		must(p.wait())(t)
	}
	<-recorded
	_, err := w.Append(ctx, 0, []store.NewEvent{w.event("late")})
	failsWith(t, err, gateway.CodeUnavailable, gateway.ReasonShuttingDown)
	_, err = w.CreateTenant(ctx, gateway.Tenant{Name: "late"})
	failsWith(t, err, gateway.CodeUnavailable, gateway.ReasonShuttingDown)
	equal(t, "head", w.Head(), 3)
}

func testCancelledChange(t *testing.T, fresh Fresh) {
	w := newWorld(t, fresh)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.CreateTenant(gone, gateway.Tenant{Name: "acme"}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v, want cancelled", err)
	}
	w.start()
	must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t)
}

func testRegistryChanged(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	before := w.RegistryRevision()
	registered(w, "shop.v1.Order")
	if _, err := w.Append(context.Background(), before, []store.NewEvent{w.event("old")}); !errors.Is(err, store.ErrRegistryChanged) {
		t.Fatalf("error = %v, want that the registry changed", err)
	}
	w.publish(w.event("old"))

	// The change is queued behind the append, and the other way round.
	w.stop()
	w.open()
	checked := w.queue(context.Background(), w.event("in time"[:2]))
	w.start()
	must(checked.wait())(t)
	equal(t, "head", w.Head(), 2)
}
