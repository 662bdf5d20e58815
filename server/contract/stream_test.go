package contract_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/contract"
)

func errorAs[E error](err error, target *E) bool { return errors.As(err, target) }

func publishStreamRequest(id string) *postriderv1.PublishStreamRequest {
	return &postriderv1.PublishStreamRequest{Event: untyped(id, `{}`).Event}
}

// subscribe begins a stream of all events, and passes over what comes before them.
func (w *world) subscribe(ctx context.Context, r *http.Request) *contract.Stream {
	stream := w.calls.Stream(ctx, contract.CallerOf(r, "test"), w.method(service+"Subscribe"))
	if err := errors.Join(stream.Send(&postriderv1.SubscribeRequest{}), stream.CloseSend()); err != nil {
		w.t.Error(err)
	}
	return stream
}

// nextEvent is the id of the next event.
func nextEvent(stream *contract.Stream) (string, error) {
	for {
		message, err := stream.Receive()
		if err != nil {
			return "", err
		}
		if event := message.(*postriderv1.SubscribeResponse).GetEvent(); event != nil {
			return event.GetId(), nil
		}
	}
}

// running reports whether a goroutine of a call stays. One that has told of its end may still have to return, which takes a while on a
// busy machine.
func running() bool {
	stacks := make([]byte, 8<<20)
	for limit := time.Now().Add(5 * time.Second); time.Now().Before(limit); runtime.Gosched() {
		if !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "contract.(*transport)") {
			return false
		}
	}
	return true
}

// It looks at all goroutines of the process, so it runs alone.
func TestAStreamDeliversAndEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.visit(func(r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		stream := w.subscribe(ctx, r)
		if _, err := stream.Receive(); err != nil { // It is ready.
			t.Error(err)
		}
		for _, id := range []string{"one", "two"} {
			if _, err := w.calls.Call(r.Context(), contract.CallerOf(r, "test"), w.method(service+"Publish"), untyped(id, `{}`)); err != nil {
				t.Error(err)
			}
			if got, err := nextEvent(stream); got != id || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, id)
			}
		}
		cancel()
		if _, err := nextEvent(stream); outcomeOf(err).code != "canceled" {
			t.Errorf("after its context has ended: %v", err)
		}
		stream.Close()
		if running() {
			t.Error("something of the stream still runs")
		}
	}, bearer(adminKey)...)
}

func TestAStreamThatNobodyReadsIsClosed(t *testing.T) {
	w := newWorld(t)
	w.visit(func(r *http.Request) {
		stream := w.subscribe(r.Context(), r)
		for range 20 {
			if _, err := w.calls.Call(r.Context(), contract.CallerOf(r, "test"), w.method(service+"Publish"), untyped("", `{"text":`+large(100<<10)+`}`)); err != nil {
				t.Error(err)
			}
		}
		stream.Close()
		stream.Close()
		unused := w.calls.Stream(r.Context(), contract.CallerOf(r, "test"), w.method(service+"Subscribe"))
		unused.Close()
		if running() {
			t.Error("something of the stream still runs")
		}
	}, bearer(adminKey)...)
}

func TestRequestsAreStreamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.visit(func(r *http.Request) {
		stream := w.calls.Stream(r.Context(), contract.CallerOf(r, "test"), w.method(service+"PublishStream"))
		defer stream.Close()
		for _, id := range []string{"one", "two", "three"} {
			if err := stream.Send(publishStreamRequest(id)); err != nil {
				t.Error(err)
			}
			response, err := stream.Receive()
			if err != nil || response.(*postriderv1.PublishStreamResponse).GetAck().GetId() != id {
				t.Errorf("got %v, %v", response, err)
			}
		}
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
		response, err := stream.Receive()
		if err != nil || response.(*postriderv1.PublishStreamResponse).GetSummary().GetStored() != 3 {
			t.Errorf("the summary: %v, %v", response, err)
		}
		if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
		if err := stream.Send(publishStreamRequest("late")); !errors.Is(err, io.EOF) {
			t.Errorf("send after the end: %v", err)
		}
	}, bearer(adminKey)...)
}

// What panics around the services would end the process, in a goroutine of its own.
func TestAPanicAroundAStreamEndsItOnly(t *testing.T) {
	t.Parallel()
	logs := &safeBuffer{}
	calls := contract.New(access.Services(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("out of luck") }), slog.New(slog.NewTextHandler(logs, nil)))
	stream := calls.Stream(t.Context(), contract.Caller{}, calls.Method(protoName(service+"Subscribe")))
	defer stream.Close()
	_ = stream.CloseSend()
	_, err := stream.Receive()
	if got := outcomeOf(err); got.code == "ok" || !strings.Contains(logs.String(), "out of luck") {
		t.Errorf("%+v; the log: %s", got, logs)
	}
}
