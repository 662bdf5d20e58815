package clienttest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

// The connection breaks again and again while events are under way. All are stored, once and in order, and told in order.
func TestAPublishStreamGoesOnAfterTheConnectionBreaks(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]client.Option{"connect": nil, "grpc": {client.WithGRPC()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const events, cuts = 400, 5
			url := newServer(t)
			between := newNetwork(t, url, 0)
			c := client.New(between.url, append(options, client.WithKey(adminKey))...)
			var told []string
			stream := c.PublishStream(soon(t), client.MaxUnacknowledged(50), client.OnAck(func(ack client.Ack) {
				if told = append(told, ack.ID+"@"+ack.Cursor); len(told)%(events/cuts) == 1 {
					between.cut()
				}
			}))
			for n := range events {
				if err := stream.Publish(soon(t), paid(fmt.Sprint(n)), client.ID(fmt.Sprint("e", n))); err != nil {
					t.Fatal(err)
				}
			}
			summary, err := stream.Close(soon(t))
			if err != nil || summary.Stored+summary.Duplicates != events || summary.Refused != 0 || len(summary.Unacknowledged) != 0 {
				t.Fatalf("%+v, %v", summary, err)
			}
			if n := between.connections(); n < cuts {
				t.Errorf("%d connections, want %d at least", n, cuts)
			}
			var stored []string
			for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), client.New(url, client.WithKey(adminKey)), client.Start(client.Earliest)) {
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprint(len(stored)); event.Message.GetOrderId() != want {
					t.Fatalf("the log has order %s, want %s", event.Message.GetOrderId(), want)
				}
				if stored = append(stored, event.GetId()+"@"+event.GetCursor()); len(stored) == events {
					break
				}
			}
			if !slices.Equal(told, stored) {
				t.Errorf("%d were told, and %d are in the log", len(told), len(stored))
			}
			if last := publish(t, client.New(url, client.WithKey(adminKey)), "last"); last.Cursor <= summary.Cursor {
				t.Errorf("the summary ends at %s, the log at %s", summary.Cursor, last.Cursor)
			}
		})
	}
}

func TestAPublishStreamTellsWhatIsRefused(t *testing.T) {
	t.Parallel()
	c := client.New(newServer(t), client.WithKey(adminKey))
	var told []string
	stream := c.PublishStream(soon(t),
		client.OnAck(func(ack client.Ack) { told = append(told, fmt.Sprint(ack.ID, " ", ack.Duplicate)) }),
		client.OnRefused(func(refused *client.RefusedError) {
			told = append(told, fmt.Sprint(refused.Event.GetId(), " ", connect.CodeOf(refused), " ", client.Reason(refused)))
			if len(refused.Refusal.GetViolations()) == 0 {
				t.Errorf("no field is named by %v", refused.Refusal)
			}
		}))
	for _, event := range []*postriderv1.Event{
		event(t, paid("1"), client.ID("a")), event(t, &shopv1.OrderPaid{}, client.ID("b")),
		event(t, paid("1"), client.ID("a")), event(t, paid("2"), client.ID("a")), client.NewUntypedEvent("order.noted", `{}`, client.ID("c")),
	} {
		if err := stream.PublishEvent(soon(t), event); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Publish(soon(t), nil); err == nil {
		t.Error("nil was published")
	}
	if err := stream.Publish(soon(t), paid("1"), client.Subject("\xff")); err == nil {
		t.Error("an event that cannot be encoded was published")
	}
	summary, err := stream.Close(soon(t))
	if err != nil || summary.Stored != 2 || summary.Duplicates != 1 || summary.Refused != 2 || summary.Cursor == "" {
		t.Errorf("%+v, %v", summary, err)
	}
	if len(summary.Errors) != 2 || summary.Errors[0].Event.GetId() != "b" || summary.Errors[1].Event.GetId() != "a" {
		t.Errorf("the summary has the refusals %v", summary.Errors)
	}
	want := []string{
		"a false", "b invalid_argument ERROR_REASON_SCHEMA_VIOLATION", "a true",
		"a already_exists ERROR_REASON_EVENT_ID_CONFLICT", "c false",
	}
	if !slices.Equal(told, want) {
		t.Errorf("got  %q\nwant %q", told, want)
	}
}

func TestWhatEndsAStreamOfPublishes(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx    context.Context
		client *client.Client
		code   connect.Code
	}{
		"a wrong key":    {t.Context(), client.New(url, client.WithKey("wrong")), connect.CodeUnauthenticated},
		"no such tenant": {t.Context(), client.New(url, client.WithKey(adminKey), client.WithTenant("nobody")), connect.CodeNotFound},
		"HTTP/1.1": {
			t.Context(), client.New(url, client.WithKey(adminKey), client.WithHTTPClient(http.DefaultClient)), connect.CodeUnimplemented,
		},
		"its context": {ended, client.New(url, client.WithKey(adminKey)), connect.CodeCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stream := tt.client.PublishStream(tt.ctx)
			published := stream.Publish(soon(t), paid("1"))
			summary, err := stream.Close(soon(t))
			if code := codeOf(err); code != tt.code {
				t.Errorf("ends with %v, want %v", err, tt.code)
			}
			if published == nil && (len(summary.Unacknowledged) != 1 || summary.Stored != 0) {
				t.Errorf("summed up as %+v", summary)
			}
			if err := stream.Publish(soon(t), paid("2")); err == nil {
				t.Error("published after the end")
			}
		})
	}
}

// codeOf is that of an error of a server or of a context.
func codeOf(err error) connect.Code {
	if errors.Is(err, context.Canceled) {
		return connect.CodeCanceled
	}
	return connect.CodeOf(err)
}

func TestAPublishStreamWithoutEvents(t *testing.T) {
	t.Parallel()
	stream := client.New("http://127.0.0.1:1").PublishStream(t.Context())
	if summary, err := stream.Close(soon(t)); err != nil || summary.Stored != 0 {
		t.Errorf("%+v, %v", summary, err)
	}
	if err := stream.Publish(soon(t), paid("1")); err == nil {
		t.Error("published on a closed stream")
	}
}

// No more are under way than was said, and what is not acknowledged in time is the caller's to know.
func TestAPublishStreamIsBounded(t *testing.T) {
	t.Parallel()
	between := newNetwork(t, newServer(t), 1000) // It never answers.
	stream := client.New(between.url, client.WithKey(adminKey)).PublishStream(t.Context(), client.MaxUnacknowledged(2))
	for n := range 2 {
		if err := stream.Publish(soon(t), paid(fmt.Sprint(n)), client.ID(fmt.Sprint("e", n))); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := stream.Publish(ended, paid("3")); !errors.Is(err, context.Canceled) {
		t.Errorf("a third one: %v", err)
	}
	summary, err := stream.Close(ended)
	if !errors.Is(err, context.Canceled) || len(summary.Unacknowledged) != 2 || summary.Unacknowledged[1].GetId() != "e1" {
		t.Errorf("%+v, %v", summary, err)
	}
}

// A connection over which no acknowledgement comes is given up for another one.
func TestASilentPublishStreamConnectsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		attempts, start := 0, time.Now()
		c := client.New("http://silent.test", through(func(r *http.Request) (*http.Response, error) {
			if attempts++; attempts == 3 {
				cancel()
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		stream := c.PublishStream(ctx)
		if err := stream.Publish(ctx, paid("1")); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Close(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("ends with %v", err)
		}
		if took := time.Since(start); took < 2*time.Minute || took > 3*time.Minute {
			t.Errorf("the third connection came after %v", took)
		}
	})
}

// A key that is revoked is replaced by the next one.
func TestAKeyIsReplacedWhileAPublishStreamLasts(t *testing.T) {
	t.Parallel()
	c, replaceKey := newClientOfTwoKeys(t)
	acknowledged := make(chan string, 2)
	stream := c.PublishStream(soon(t), client.OnAck(func(ack client.Ack) { acknowledged <- ack.ID }))
	if err := stream.Publish(soon(t), paid("1"), client.ID("a")); err != nil {
		t.Fatal(err)
	}
	<-acknowledged
	replaceKey()
	if err := stream.Publish(soon(t), paid("2"), client.ID("b")); err != nil {
		t.Fatal(err)
	}
	if summary, err := stream.Close(soon(t)); err != nil || summary.Stored != 2 {
		t.Errorf("%+v, %v", summary, err)
	}
}
