package clienttest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

func TestPublishCarriesMessageAndAttributes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 34, 56, 789, time.UTC)
	c := client.New(newServer(t), client.WithKey(adminKey))
	ack, err := c.Publish(soon(t), paid("42"), client.ID("order:42"), client.Source("/checkout"),
		client.Subject("42"), client.Time(at))
	if err != nil || ack.ID != "order:42" || ack.Cursor == "" || ack.Duplicate {
		t.Fatalf("%+v, %v", ack, err)
	}
	for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, client.Start(client.Earliest)) {
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(event.Message, paid("42")) {
			t.Errorf("read %v", event.Message)
		}
		if event.GetId() != ack.ID || event.GetCursor() != ack.Cursor || event.GetType() != "shop.v1.OrderPaid" ||
			event.GetSource() != "/checkout" || event.GetSubject() != "42" || !event.GetTime().AsTime().Equal(at) {
			t.Errorf("read %v", event.Event)
		}
		break
	}
}

// The first answer is lost after the server has stored the event.
func TestAnAttemptOfUnknownOutcomeIsStoredOnce(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	calls := map[string]func(context.Context, *client.Client) error{
		"one": func(ctx context.Context, c *client.Client) error {
			ack, err := c.Publish(ctx, paid("one"))
			if err == nil && !ack.Duplicate {
				err = errors.New("the answer is that of the first attempt")
			}
			return err
		},
		"batch": func(ctx context.Context, c *client.Client) error {
			acks, err := c.PublishBatch(ctx, event(t, paid("a")), &postriderv1.Event{
				Type: "order.noted", Payload: &postriderv1.Event_JsonData{JsonData: `{}`},
			})
			if err == nil && (len(acks) != 2 || !acks[0].Duplicate || !acks[1].Duplicate) {
				err = fmt.Errorf("answer %+v", acks)
			}
			return err
		},
	}
	for name, publish := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var attempts atomic.Int32
			lossy := through(func(r *http.Request) (*http.Response, error) {
				response, err := http.DefaultTransport.RoundTrip(r)
				if attempts.Add(1) == 1 && err == nil {
					_ = response.Body.Close()
					return nil, errors.New("the network is gone")
				}
				return response, err
			})
			if err := publish(soon(t), client.New(url, client.WithKey(adminKey), lossy)); err != nil {
				t.Error(err)
			}
			if n := attempts.Load(); n != 2 {
				t.Errorf("%d attempts, want 2", n)
			}
		})
	}
	t.Cleanup(func() {
		list, err := postriderv1connect.NewEventServiceClient(http.DefaultClient, url).
			ListEvents(context.Background(), withKey(&postriderv1.ListEventsRequest{}))
		if err != nil || len(list.Msg.GetEvents()) != 3 {
			t.Errorf("%d events stored, want 3 (%v)", len(list.Msg.GetEvents()), err)
		}
	})
}

func withKey[T any](message *T) *connect.Request[T] {
	request := connect.NewRequest(message)
	request.Header().Set("Authorization", "Bearer "+adminKey)
	return request
}

func event(t testing.TB, message proto.Message, options ...client.EventOption) *postriderv1.Event {
	t.Helper()
	made, err := client.NewEvent(message, options...)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestWhatTheServerRefusesIsNotRepeated(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	if _, err := client.New(url, client.WithKey(adminKey)).Publish(soon(t), paid("1"), client.ID("taken")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, key string
		publish   func(*client.Client) error
		code      connect.Code
		reason    postriderv1.ErrorReason
		text      string
	}{
		{"a broken rule", adminKey, func(c *client.Client) error {
			_, err := c.Publish(soon(t), &shopv1.OrderPaid{OrderId: "42", PayTime: timestamppb.Now()})
			return err
		}, connect.CodeInvalidArgument, postriderv1.ErrorReason_ERROR_REASON_SCHEMA_VIOLATION, "amount"},
		{"one of a batch", adminKey, func(c *client.Client) error {
			_, err := c.PublishBatch(soon(t), event(t, paid("1")), event(t, &shopv1.OrderPaid{}))
			return err
		}, connect.CodeInvalidArgument, postriderv1.ErrorReason_ERROR_REASON_SCHEMA_VIOLATION, "events[1]"},
		{"an id with other content", adminKey, func(c *client.Client) error {
			_, err := c.Publish(soon(t), paid("2"), client.ID("taken"))
			return err
		}, connect.CodeAlreadyExists, postriderv1.ErrorReason_ERROR_REASON_EVENT_ID_CONFLICT, "taken"},
		{"a wrong key", "wrong", func(c *client.Client) error {
			_, err := c.Publish(soon(t), paid("1"))
			return err
		}, connect.CodeUnauthenticated, postriderv1.ErrorReason_ERROR_REASON_UNAUTHENTICATED, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var attempts atomic.Int32
			counted := through(func(r *http.Request) (*http.Response, error) {
				attempts.Add(1)
				return http.DefaultTransport.RoundTrip(r)
			})
			err := test.publish(client.New(url, client.WithKey(test.key), counted))
			if connect.CodeOf(err) != test.code || client.Reason(err) != test.reason || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v (reason %v), want %v %v with %q", err, client.Reason(err), test.code, test.reason, test.text)
			}
			if n := attempts.Load(); n != 1 {
				t.Errorf("%d attempts, want 1", n)
			}
		})
	}
}

func TestPublishWithoutAMessage(t *testing.T) {
	t.Parallel()
	c := client.New("http://127.0.0.1:1")
	if _, err := c.Publish(t.Context(), (*shopv1.OrderPaid)(nil)); err == nil {
		t.Error("a nil pointer was published")
	}
	if _, err := c.Publish(t.Context(), nil); err == nil {
		t.Error("nil was published")
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts, start := 0, time.Now()
		c := client.New("http://away.test", through(func(*http.Request) (*http.Response, error) {
			attempts++
			return nil, errors.New("connection refused")
		}))
		_, err := c.Publish(t.Context(), paid("1"))
		if connect.CodeOf(err) != connect.CodeUnavailable || attempts != client.DefaultAttempts {
			t.Errorf("%v after %d attempts", err, attempts)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// Regression (issue 8, 20): ten attempts may be used up before a redeploy is over. The caller's deadline is the bound.
func TestAPublishIsTriedUntilItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts, start := 0, time.Now()
		c := client.New("http://away.test", through(func(*http.Request) (*http.Response, error) {
			attempts++
			return nil, errors.New("connection refused")
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, err := c.Publish(ctx, paid("1"))
		if took := time.Since(start); connect.CodeOf(err) != connect.CodeUnavailable || took < 9*time.Minute {
			t.Errorf("%v after %d attempts in %v", err, attempts, took)
		}
	})
}

func TestPublishEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := client.New("http://away.test", client.WithAttempts(1000), through(func(*http.Request) (*http.Response, error) {
			time.AfterFunc(time.Millisecond, cancel)
			return nil, errors.New("connection refused")
		}))
		start := time.Now()
		if _, err := c.Publish(ctx, paid("1")); err == nil {
			t.Error("no error")
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A server that takes the request and is not heard of again costs one attempt.
func TestASilentServerCostsOneAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		c := client.New("http://silent.test", client.WithAttempts(2), through(func(r *http.Request) (*http.Response, error) {
			attempts++
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		_, err := c.Publish(t.Context(), paid("1"))
		if connect.CodeOf(err) != connect.CodeDeadlineExceeded || attempts != 2 {
			t.Errorf("%v after %d attempts", err, attempts)
		}
	})
}

func TestUntypedEvents(t *testing.T) {
	t.Parallel()
	const text = `{"n":9007199254740993,"price":1.10}`
	c := client.New(newServer(t), client.WithKey(adminKey))
	if _, err := c.PublishEvent(soon(t), client.NewUntypedEvent("order.noted", text)); err != nil {
		t.Fatal(err)
	}
	for event, err := range c.Events(soon(t), client.Start(client.Earliest)) {
		if err != nil || event.Message != nil || event.GetJsonData() != text {
			t.Errorf("read %v, %v", event, err)
		}
		break
	}
}
