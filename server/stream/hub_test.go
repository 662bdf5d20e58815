package stream_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

// world is a log with its tail and a hub on them.
type world struct {
	t        *testing.T
	folder   string
	store    *store.Store
	tail     *tail.Tail
	filters  *filter.Compiler
	hub      *stream.Hub
	tenant   *gateway.Tenant
	stopping chan struct{}
}

// newWorld makes a log whose tail keeps about tailBytes.
func newWorld(t *testing.T, tailBytes int) *world {
	t.Helper()
	dir := t.TempDir()
	ring, err := seal.LoadKeyring("", dir)
	if err != nil {
		t.Fatal(err)
	}
	log, err := store.Open(t.Context(), store.Config{Data: dir, Keyring: ring, Logger: slog.New(slog.DiscardHandler), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	recent := tail.New(log.Head(), tailBytes)
	log.OnCommit(recent.Append)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, log.Close()); err != nil {
			t.Error(err)
		}
	})
	w := &world{
		t: t, folder: dir, store: log, tail: recent, filters: filter.NewCompiler(schema.NewRegistry()), stopping: make(chan struct{}),
	}
	w.hub = stream.New(log, recent, w.filters, w.stopping)
	if w.tenant, err = log.TenantByName(t.Context(), gateway.DefaultTenant); err != nil {
		t.Fatal(err)
	}
	return w
}

// publish stores n events of a type and returns the position of the last.
func (w *world) publish(eventType string, n int) gateway.Position {
	w.t.Helper()
	return w.publishData(eventType, n, `{}`)
}

func (w *world) publishData(eventType string, n int, data string) gateway.Position {
	w.t.Helper()
	events := make([]*gateway.Event, n)
	for i := range events {
		events[i] = &gateway.Event{Tenant: w.tenant.ID, Type: eventType, Data: []byte(data)}
	}
	return w.append(events...)
}

// append stores events together, with what they lack, and returns the position of the last.
func (w *world) append(events ...*gateway.Event) gateway.Position {
	w.t.Helper()
	first := w.store.Head() + 1
	stored := make([]store.NewEvent, len(events))
	for i, event := range events {
		event.ID, event.Type = fmt.Sprintf("%s-%d-%d", event.Type, first, i), cmp.Or(event.Type, "a")
		event.Source, event.Time = gateway.DefaultSource, time.Now()
		stored[i].Event = event
	}
	appended, err := w.store.Append(w.t.Context(), w.store.RegistryRevision(), stored)
	if err != nil {
		w.t.Fatal(err)
	}
	return appended[len(events)-1].Position
}

// reader is one stream whose messages can be read one by one.
type reader struct {
	messages chan stream.Message
	ended    chan error
	cancel   context.CancelCauseFunc
}

func (w *world) subscribe(start gateway.Start, types ...string) *reader {
	w.t.Helper()
	return w.subscribeTo(start, gateway.Filter{Types: types})
}

func (w *world) subscribeTo(start gateway.Start, selected gateway.Filter) *reader {
	w.t.Helper()
	return w.open(stream.Request{Start: start, Filters: []stream.Filter{{Filter: selected}}})
}

func (w *world) open(request stream.Request) *reader {
	w.t.Helper()
	request.Tenant = w.tenant
	if request.Heartbeat == 0 {
		request.Heartbeat = time.Second
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	r := &reader{messages: make(chan stream.Message), ended: make(chan error, 1), cancel: cancel}
	w.t.Cleanup(func() { cancel(context.Canceled) })
	go func() {
		r.ended <- w.hub.Subscribe(ctx, request, func(message stream.Message) error {
			select {
			case r.messages <- message:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	return r
}

func (r *reader) next(t *testing.T) stream.Message {
	t.Helper()
	select {
	case message := <-r.messages:
		return message
	case err := <-r.ended:
		t.Fatalf("the stream ended: %v", err)
		return stream.Message{}
	}
}

// message skips messages of other kinds.
func (r *reader) message(t *testing.T, kind gateway.StreamKind) stream.Message {
	t.Helper()
	for {
		if message := r.next(t); message.Kind == kind {
			return message
		}
	}
}

func (r *reader) event(t *testing.T) *gateway.Event {
	t.Helper()
	message := r.message(t, gateway.StreamEvent)
	if message.Cursor.Position != message.Event.Position {
		t.Errorf("cursor at %d, event at %d", message.Cursor.Position, message.Event.Position)
	}
	return message.Event
}

func TestWhereAStreamBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tail.DefaultBytes)
	began := time.Now()
	w.publish("a", 3)
	stranger := gateway.Cursor{Incarnation: gateway.Incarnation{1, 2, 3}, Position: 2}
	second := w.store.Cursor(2)
	tests := []struct {
		name  string
		start gateway.Start
		at    gateway.Position
		gap   gateway.Gap
	}{
		{"now", gateway.Start{}, 3, gateway.GapNone},
		{"earliest", gateway.Start{Kind: gateway.StartEarliest}, 0, gateway.GapNone},
		{"cursor", gateway.StartAfter(second), 2, gateway.GapNone},
		{"cursor of another log", gateway.StartAfter(stranger), 0, gateway.GapLogReplaced},
		{"time before all", gateway.Start{Kind: gateway.StartTime, Time: began.Add(-time.Hour)}, 0, gateway.GapNone},
		{"time before all that is Go's zero time", gateway.Start{Kind: gateway.StartTime}, 0, gateway.GapNone},
		{"time after all", gateway.Start{Kind: gateway.StartTime, Time: began.Add(time.Hour)}, 3, gateway.GapNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			begin := w.subscribe(tt.start).next(t)
			if begin.Kind != gateway.StreamBegin || begin.Cursor != w.store.Cursor(tt.at) || begin.Gap != tt.gap {
				t.Errorf("begins with %+v, want position %d and gap %v", begin, tt.at, tt.gap)
			}
		})
	}
}

// Whatever the tail still holds, a stream has every event once and in order, across the step from stored to live.
func TestCatchUpAndLiveJoinWithoutAHole(t *testing.T) {
	t.Parallel()
	for name, tailBytes := range map[string]int{"all in memory": tail.DefaultBytes, "almost nothing in memory": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tailBytes)
			const before, during = 700, 700
			w.publish("a", before)
			early := w.subscribe(gateway.Start{Kind: gateway.StartEarliest})
			go func() {
				for range during / 7 {
					w.publish("a", 7)
				}
			}()
			late := w.subscribe(gateway.Start{})
			lateBegin := late.next(t).Cursor.Position
			for want := gateway.Position(1); want <= before+during; want++ {
				if got := early.event(t).Position; got != want {
					t.Fatalf("from the earliest: position %d, want %d", got, want)
				}
			}
			for want := lateBegin + 1; want <= before+during; want++ {
				if got := late.event(t).Position; got != want {
					t.Fatalf("from now: position %d, want %d", got, want)
				}
			}
		})
	}
}

func TestAStreamCarriesItsTenantAndTypesOnly(t *testing.T) {
	t.Parallel()
	for name, tailBytes := range map[string]int{"from memory": tail.DefaultBytes, "from the log": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tailBytes)
			own := w.tenant
			other, err := w.store.CreateTenant(t.Context(), gateway.Tenant{Name: "other"})
			if err != nil {
				t.Fatal(err)
			}
			w.publish("order.created", 1)
			w.tenant = other
			w.publish("order.created", 1)
			w.tenant = own
			w.publish("payment.made", 1)
			w.publish("order.closed", 1)
			r := w.subscribe(gateway.Start{Kind: gateway.StartEarliest}, "order.*")
			for _, want := range []gateway.Position{1, 4} {
				if got := r.event(t); got.Position != want || got.Tenant != own.ID {
					t.Errorf("got %s at %d of tenant %d, want position %d", got.Type, got.Position, got.Tenant, want)
				}
			}
		})
	}
}

func TestHeartbeatsCarryThePlaceReached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tail.DefaultBytes)
		r := w.subscribe(gateway.Start{}, "never")
		r.next(t)
		began := time.Now()
		last := w.publish("a", 1000)
		beat := r.next(t)
		if beat.Kind != gateway.StreamHeartbeat || beat.Cursor != w.store.Cursor(last) {
			t.Errorf("got %+v, want a heartbeat at %d", beat, last)
		}
		if quiet := time.Since(began); quiet != time.Second {
			t.Errorf("it came after %v, want the interval of 1 s", quiet)
		}
		r.cancel(context.Canceled)
		<-r.ended
	})
}

func TestHowAStreamEnds(t *testing.T) {
	t.Parallel()
	revoked := errors.New("revoked")
	broken := errors.New("broken pipe")
	t.Run("cause of the context", func(t *testing.T) {
		t.Parallel()
		r := newWorld(t, tail.DefaultBytes).subscribe(gateway.Start{})
		r.next(t)
		r.cancel(revoked)
		if err := <-r.ended; !errors.Is(err, revoked) {
			t.Errorf("ended with %v, want the cause", err)
		}
	})
	t.Run("server stops", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, tail.DefaultBytes)
		r := w.subscribe(gateway.Start{})
		r.next(t)
		close(w.stopping)
		var e *gateway.Error
		if err := <-r.ended; !errors.As(err, &e) || e.Code != gateway.CodeUnavailable || e.Reason != gateway.ReasonShuttingDown {
			t.Errorf("ended with %v, want unavailable", err)
		}
	})
	t.Run("transport fails", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, tail.DefaultBytes)
		err := w.hub.Subscribe(t.Context(), stream.Request{Tenant: w.tenant}, func(stream.Message) error { return broken })
		if !errors.Is(err, broken) {
			t.Errorf("ended with %v, want the transport's error", err)
		}
	})
}
