package clienttest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

func TestSubscribeGoesOnAfterTheConnectionBreaks(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]client.Option{"connect": nil, "grpc": {client.WithGRPC()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := newServer(t)
			between := newNetwork(t, url, 0)
			producer := client.New(url, client.WithKey(adminKey))
			consumer := client.New(between.url, append(options, client.WithKey(adminKey))...)
			publish(t, producer, "0")
			next := 0
			for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), consumer, client.Start(client.Earliest)) {
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprint(next); event.Message.GetOrderId() != want {
					t.Fatalf("got order %s, want %s", event.Message.GetOrderId(), want)
				}
				if next++; next == 6 {
					break
				}
				if next%2 == 1 {
					between.cut() // these two are stored while nobody is connected
					publish(t, producer, fmt.Sprint(next))
					publish(t, producer, fmt.Sprint(next+1))
				}
			}
			if n := between.connections(); n < 4 {
				t.Errorf("%d connections, want 4 at least", n)
			}
		})
	}
}

// A connection that is open and dead is given up when no heartbeat comes. One that is alive has three seconds to say so.
func TestASilentConnectionIsOpenedAgain(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	between := newNetwork(t, url, 1)
	ack := publish(t, client.New(url, client.WithKey(adminKey)), "1")
	c := client.New(between.url, client.WithKey(adminKey))
	for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c,
		client.Start(client.Earliest), client.Heartbeat(time.Second)) {
		if err != nil || event.GetId() != ack.ID {
			t.Errorf("got %v, %v", event, err)
		}
		break
	}
}

func TestSubscribeEnds(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	tests := []struct {
		name    string
		client  *client.Client
		options []client.SubscribeOption
		code    connect.Code
	}{
		{"a wrong key", client.New(url, client.WithKey("wrong")), nil, connect.CodeUnauthenticated},
		{"no such tenant", client.New(url, client.WithKey(adminKey), client.WithTenant("nobody")), nil, connect.CodeNotFound},
		{
			"a wrong start", client.New(url, client.WithKey(adminKey)),
			[]client.SubscribeOption{client.Start("yesterday")},
			connect.CodeInvalidArgument,
		},
		{
			"a wrong pattern", client.New(url, client.WithKey(adminKey)),
			[]client.SubscribeOption{client.Types("*.paid")},
			connect.CodeInvalidArgument,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var faults []error
			for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), test.client, test.options...) {
				if err == nil {
					t.Fatalf("got %v", event)
				}
				faults = append(faults, err)
			}
			if len(faults) != 1 || connect.CodeOf(faults[0]) != test.code {
				t.Errorf("got %v, want one %v", faults, test.code)
			}
		})
	}
}

func TestSubscribeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := client.New(newServer(t), client.WithKey(adminKey))
	publish(t, c, "1")
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	var faults []error
	for _, err := range client.Subscribe[*shopv1.OrderPaid](ctx, c, client.Start(client.Earliest)) {
		if err != nil {
			faults = append(faults, err)
		}
		cancel()
	}
	if len(faults) != 1 || !errors.Is(faults[0], context.Canceled) {
		t.Errorf("got %v, want the context's error once", faults)
	}
}

// A server that is away is waited for, with pauses that grow, until the context ends.
func TestSubscribeWaitsForAServerThatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		attempts := 0
		c := client.New("http://away.test", through(func(*http.Request) (*http.Response, error) {
			attempts++
			return nil, errors.New("connection refused")
		}))
		var faults []error
		for _, err := range client.Subscribe[*shopv1.OrderPaid](ctx, c) {
			faults = append(faults, err)
		}
		if len(faults) != 1 || !errors.Is(faults[0], context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error once", faults)
		}
		if attempts < 100 || attempts > 1000 { // half of 30 s on average, in an hour: about 245
			t.Errorf("%d attempts in an hour", attempts)
		}
	})
}

func TestAGapIsToldAndPassed(t *testing.T) {
	t.Parallel()
	elsewhere := publish(t, client.New(newServer(t), client.WithKey(adminKey)), "lost").Cursor
	c := client.New(newServer(t), client.WithKey(adminKey))
	publish(t, c, "kept")
	var gap *client.GapError
	for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, client.Start(elsewhere)) {
		if gap == nil {
			if !errors.As(err, &gap) || gap.Reason != postriderv1.GapReason_GAP_REASON_LOG_REPLACED || gap.Cursor == "" {
				t.Fatalf("got %v, %v, want the gap first", event, err)
			}
			continue
		}
		if err != nil || event.Message.GetOrderId() != "kept" {
			t.Errorf("after the gap: %v, %v", event, err)
		}
		break
	}
}

// Without a schema anything can be stored under a type's name.
func TestAPayloadThatIsNoneIsToldAndPassed(t *testing.T) {
	t.Parallel()
	c := client.New(newServer(t, untyped), client.WithKey(adminKey))
	for _, text := range []string{`{"orderID":"misspelt"}`, `{"orderId":"right"}`} {
		if _, err := c.PublishEvent(soon(t), client.NewUntypedEvent("shop.v1.OrderPaid", text)); err != nil {
			t.Fatal(err)
		}
	}
	told := false
	for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, client.Start(client.Earliest)) {
		if !told {
			var payload *client.PayloadError
			if !errors.As(err, &payload) || payload.Event.GetId() == "" || !strings.Contains(err.Error(), "orderID") {
				t.Fatalf("got %v, %v, want a payload error first", event, err)
			}
			told = true
			continue
		}
		if err != nil || event.Message.GetOrderId() != "right" {
			t.Errorf("after the error: %v, %v", event, err)
		}
		break
	}
}

func TestEventsOfSeveralTypes(t *testing.T) {
	t.Parallel()
	c := client.New(newServer(t), client.WithKey(adminKey))
	if _, err := c.PublishBatch(soon(t), event(t, paid("1")), event(t, cancelled("2")),
		client.NewUntypedEvent("order.noted", `{}`)); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for event, err := range c.Events(soon(t), client.Start(client.Earliest), client.Types("shop.v1.*", "order.noted")) {
		if err != nil {
			t.Fatal(err)
		}
		switch message := event.Message.(type) {
		case *shopv1.OrderPaid:
			seen = append(seen, "paid "+message.GetOrderId())
		case *shopv1.OrderCancelled:
			seen = append(seen, "cancelled "+message.GetOrderId())
		case nil:
			seen = append(seen, event.GetType())
		}
		if len(seen) == 3 {
			break
		}
	}
	if got := strings.Join(seen, ", "); got != "paid 1, cancelled 2, order.noted" {
		t.Errorf("got %s", got)
	}
}

// A consumer of rare events keeps the place that heartbeats tell.
func TestProgress(t *testing.T) {
	t.Parallel()
	c := client.New(newServer(t), client.WithKey(adminKey))
	last := publish(t, c, "1")
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	reached := ""
	for event, err := range client.Subscribe[*shopv1.OrderShipped](ctx, c, client.Start(client.Earliest),
		client.Heartbeat(time.Second), client.Progress(func(cursor string) {
			if reached = cursor; cursor == last.Cursor {
				cancel()
			}
		})) {
		if err == nil {
			t.Errorf("got %v", event)
		}
	}
	if reached != last.Cursor {
		t.Errorf("reached %s, want %s", reached, last.Cursor)
	}
}

// Where a schema warns, its violations come with the event, and what it cannot hold at all is a payload error.
func TestEventsAcceptedInSpiteOfTheirSchema(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	types := postriderv1connect.NewEventTypeServiceClient(http.DefaultClient, url)
	if _, err := types.UpdateEventType(soon(t), withKey(&postriderv1.UpdateEventTypeRequest{EventType: &postriderv1.EventType{
		Name: "shop.v1.OrderCancelled", Level: postriderv1.EnforcementLevel_ENFORCEMENT_LEVEL_WARN,
	}})); err != nil {
		t.Fatal(err)
	}
	c := client.New(url, client.WithKey(adminKey))
	if _, err := c.PublishEvent(soon(t), client.NewUntypedEvent("shop.v1.OrderCancelled", `{"orderID":"misspelt"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Publish(soon(t), &shopv1.OrderCancelled{OrderId: "no time"}); err != nil {
		t.Fatal(err)
	}
	told := false
	for event, err := range client.Subscribe[*shopv1.OrderCancelled](soon(t), c, client.Start(client.Earliest)) {
		if !told {
			var payload *client.PayloadError
			if !errors.As(err, &payload) || payload.Event.GetInvalidData() == "" || !strings.Contains(err.Error(), "orderID") {
				t.Fatalf("got %v, %v, want a payload error first", event, err)
			}
			told = true
			continue
		}
		if err != nil || event.Message.GetOrderId() != "no time" || len(event.GetViolations()) != 1 {
			t.Errorf("after the error: %v, %v", event, err)
		}
		break
	}
}

func TestExpressionAndSubject(t *testing.T) {
	t.Parallel()
	c := client.New(newServer(t), client.WithKey(adminKey))
	small, large := paid("small"), paid("large")
	small.Amount.MinorUnits, large.Amount.MinorUnits = 1, 1_000_000
	if _, err := c.PublishBatch(soon(t), event(t, small), event(t, large)); err != nil {
		t.Fatal(err)
	}
	for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, client.Start(client.Earliest),
		client.Expression("event.data.amount.minor_units > 1000")) {
		if err != nil || event.Message.GetOrderId() != "large" || event.GetSubject() != "large" {
			t.Errorf("got %v, %v", event, err)
		}
		break
	}
	for _, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, client.Expression("event.data.amount.units > 0")) {
		if client.Reason(err) != postriderv1.ErrorReason_ERROR_REASON_INVALID_FILTER {
			t.Errorf("a field that is not there: %v", err)
		}
	}
}
