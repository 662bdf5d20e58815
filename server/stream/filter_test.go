package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
)

// What an expression rejects moves the place all the same, from memory and from the log.
func TestAnExpressionSelects(t *testing.T) {
	t.Parallel()
	for name, tailBytes := range map[string]int{"from memory": tail.DefaultBytes, "from the log": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tailBytes)
				w.publish("a", 300)
				w.publish("b", 1)
				last := w.publish("a", 300)
				r := w.subscribeTo(gateway.Start{Kind: gateway.StartEarliest}, gateway.Filter{Expression: `event.type == "b" || event.id == "a-302-299"`})
				for _, want := range []gateway.Position{301, 601} {
					if got := r.event(t).Position; got != want {
						t.Errorf("got %d, want %d", got, want)
					}
				}
				none := w.subscribeTo(gateway.Start{Kind: gateway.StartEarliest}, gateway.Filter{Expression: `event.data.nothing == 1`})
				none.next(t)
				if beat := none.next(t); beat.Kind != gateway.StreamHeartbeat || beat.Cursor.Position != last {
					t.Errorf("got %+v, want a heartbeat at %d", beat, last)
				}
				for _, one := range []*reader{r, none} {
					one.cancel(context.Canceled)
					<-one.ended
				}
			})
		})
	}
}

func TestAnExpressionThatDoesNotCompileIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tail.DefaultBytes)
	err := <-w.subscribeTo(gateway.Start{}, gateway.Filter{Expression: `event.typ == "a"`}).ended
	var fault *gateway.Error
	if !errors.As(err, &fault) || fault.Reason != gateway.ReasonInvalidFilter ||
		fmt.Sprint(fault.Fields) != "[{expression  1:7: undefined field 'typ'; did you mean type?}]" {
		t.Errorf("got %v", err)
	}
}

// A stream that had been set aside, or was about to be, connected again for another hundred events, and again.
func TestOverrunsOfACallerAddUpOverItsStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tail.DefaultBytes)
		w.publishData("a", 60, `{"s":"`+strings.Repeat("x", 60_000)+`"}`)
		// end reads all there is, and returns why the stream ended.
		end := func(caller string) (fault *gateway.Error) {
			r := w.open(stream.Request{
				Start: gateway.Start{Kind: gateway.StartEarliest}, Entry: &stream.Entry{Caller: caller},
				Filters: []stream.Filter{{Filter: gateway.Filter{Expression: `event.data.s.replace('', event.data.s) != ''`}}},
			})
			for {
				select {
				case message := <-r.messages:
					if message.Kind == gateway.StreamHeartbeat {
						r.cancel(context.Canceled)
					}
				case err := <-r.ended:
					errors.As(err, &fault)
					return fault
				}
			}
		}
		const streams = 1000/60 + 1
		for n := range streams {
			if fault := end("caller"); (fault != nil) != (n == streams-1) {
				t.Fatalf("stream %d ended with %v", n, fault)
			}
		}
		fault := end("caller")
		if fault == nil || fault.Reason != gateway.ReasonRateLimited || fault.RetryAfter <= 0 || fault.RetryAfter > time.Minute {
			t.Errorf("another ended with %+v", fault)
		}
		if fault := end("another"); fault != nil {
			t.Errorf("another caller's ended with %v", fault)
		}
		time.Sleep(time.Minute)
		if fault := end("caller"); fault != nil {
			t.Errorf("a minute later: %v", fault)
		}
	})
}

// A stream whose expression takes long is left to itself, and ends when it goes over its budget again and again; other
// streams get their events meanwhile, and it gets those that it selects.
func TestACostlyExpressionIsEvaluatedByItsReaderAndSetAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tail.DefaultBytes)
		costly := w.subscribeTo(gateway.Start{}, gateway.Filter{Expression: `event.type == "b" || event.data.l.exists(x, event.data.l == [x])`})
		plain := w.subscribeTo(gateway.Start{}, gateway.Filter{Expression: `event.id != ""`})
		costly.next(t) // Both have begun.
		plain.next(t)
		hostile := `{"l":[` + strings.Repeat(`"text",`, 4_000) + `"text"]}`
		first := w.publishData("a", 1, hostile)
		wanted := w.publish("b", 1)
		for _, want := range []gateway.Position{first, wanted} {
			if got := plain.event(t).Position; got != want {
				t.Errorf("beside it: got %d, want %d", got, want)
			}
		}
		if got := costly.event(t).Position; got != wanted {
			t.Errorf("got %d, want %d", got, wanted)
		}
		w.publishData("a", 99, hostile)
		for range 99 {
			plain.event(t)
		}
		var fault *gateway.Error
		if err := <-costly.ended; !errors.As(err, &fault) || fault.Reason != gateway.ReasonInvalidFilter ||
			!strings.Contains(fault.Message, "set aside: on 100 events within a minute: filter error: the expression takes too long") {
			t.Errorf("got %v", err)
		}
		plain.cancel(context.Canceled)
		<-plain.ended
	})
}

// A page of events whose expression takes milliseconds, and waits for those of other streams, kept a stream silent for as long
// as it took, and from ending when its client had left.
func TestAStreamWithACostlyExpressionShowsThatItIsAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tail.DefaultBytes)
	last := w.publishData("a", 100, `{"n":[`+strings.Repeat("1,", 9_000)+`1]}`)
	r := w.open(stream.Request{
		Start: gateway.Start{Kind: gateway.StartEarliest}, Heartbeat: time.Millisecond,
		Filters: []stream.Filter{{Filter: gateway.Filter{Expression: `event.data.n.exists(x, x > 1)`}}},
	})
	begun := r.message(t, gateway.StreamBegin).Cursor.Position
	if beat := r.next(t); beat.Kind != gateway.StreamHeartbeat || beat.Cursor.Position != begun {
		t.Errorf("after its beginning comes %+v, want a heartbeat before all %d events were looked at", beat, last)
	}
	r.cancel(errLeft)
	if err := <-r.ended; !errors.Is(err, errLeft) {
		t.Errorf("ended with %v", err)
	}
}

var errLeft = errors.New("the client has left")

// Expressions that each take less than what may not wait took a second together, in which no tenant's streams got an event.
func TestTheExpressionsOfATenantKeepNoOtherTenantsStreamsWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tail.DefaultBytes)
	other, err := w.store.CreateTenant(t.Context(), gateway.Tenant{Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	var begun, got, running sync.WaitGroup
	follow := func(tenant *gateway.Tenant, expression string, onBegin, onEvent func()) {
		begun.Add(1)
		request := stream.Request{Tenant: tenant, Filters: []stream.Filter{{Filter: gateway.Filter{Expression: expression}}}}
		running.Go(func() {
			_ = w.hub.Subscribe(ctx, request, func(message stream.Message) error {
				switch message.Kind {
				case gateway.StreamBegin:
					begun.Done()
					onBegin()
				case gateway.StreamEvent:
					onEvent()
				}
				return nil
			})
		})
	}
	const streams = 300
	// Until released, the readers of the costly streams look at nothing themselves.
	released, arrived := make(chan struct{}), make(chan struct{})
	got.Add(streams)
	for i := range streams {
		follow(w.tenant, fmt.Sprintf("!event.data.n.exists(x, x == %d)", 100+i), func() { <-released }, got.Done)
	}
	follow(other, "", func() {}, func() { close(arrived) })
	begun.Wait()
	costly := w.publishData("costly", 1, `{"n":[`+strings.Repeat("1,", 1_000)+`1]}`)
	w.append(&gateway.Event{Tenant: other.ID, Data: []byte(`{}`)})
	<-arrived
	events, _ := w.tail.After(costly-1, 1)
	subject := w.filters.Subject(events[0])
	before := subject.Spent()
	close(released)
	got.Wait()
	if all := subject.Spent(); before > all/2 {
		t.Errorf("the other tenant's event waited for %d units of %d", before, all)
	}
	cancel(errLeft)
	running.Wait()
}
