package clienttest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

var errEnough = errors.New("enough")

func TestMuxCallsInTheOrderOfTheLog(t *testing.T) {
	t.Parallel()
	c := client.New(newServer(t), client.WithKey(adminKey))
	if _, err := c.PublishBatch(soon(t), event(t, paid("1")), client.NewUntypedEvent("order.noted", `{}`),
		event(t, cancelled("2")), event(t, paid("3"))); err != nil {
		t.Fatal(err)
	}
	var seen []string
	var mux client.Mux
	client.On(&mux, func(_ context.Context, order *shopv1.OrderPaid, event *postriderv1.Event) error {
		if seen = append(seen, "paid "+order.GetOrderId()); order.GetOrderId() == "3" {
			return errEnough
		}
		return nil
	})
	client.On(&mux, func(_ context.Context, order *shopv1.OrderCancelled, event *postriderv1.Event) error {
		seen = append(seen, "cancelled "+order.GetOrderId())
		return nil
	})
	if err := mux.Run(soon(t), c, client.Start(client.Earliest)); !errors.Is(err, errEnough) {
		t.Errorf("ended with %v", err)
	}
	if got := strings.Join(seen, ", "); got != "paid 1, cancelled 2, paid 3" {
		t.Errorf("got %s", got)
	}
}

func TestMuxAndWhatCannotBeDelivered(t *testing.T) {
	t.Parallel()
	elsewhere := publish(t, client.New(newServer(t), client.WithKey(adminKey)), "lost").Cursor
	c := client.New(newServer(t, untyped), client.WithKey(adminKey))
	for _, text := range []string{`{"orderId":7}`, `{"orderId":"right"}`} {
		if _, err := c.PublishEvent(soon(t), client.NewUntypedEvent("shop.v1.OrderPaid", text)); err != nil {
			t.Fatal(err)
		}
	}
	var mux client.Mux
	client.On(&mux, func(_ context.Context, order *shopv1.OrderPaid, event *postriderv1.Event) error { return errEnough })
	var gap *client.GapError
	if err := mux.Run(soon(t), c, client.Start(elsewhere)); !errors.As(err, &gap) {
		t.Errorf("without a function: %v, want the gap", err)
	}
	var told []error
	mux.Undeliverable = func(_ context.Context, err error) error {
		told = append(told, err)
		return nil
	}
	if err := mux.Run(soon(t), c, client.Start(elsewhere)); !errors.Is(err, errEnough) {
		t.Errorf("ended with %v", err)
	}
	var payload *client.PayloadError
	if len(told) != 2 || !errors.As(told[0], &gap) || !errors.As(told[1], &payload) {
		t.Errorf("told %v, want a gap and a payload", told)
	}
}

func TestMuxTakesOneFunctionForAType(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, *shopv1.OrderPaid, *postriderv1.Event) error { return nil }
	var mux client.Mux
	client.On(&mux, nothing)
	defer func() {
		if recover() == nil {
			t.Error("a second function was taken")
		}
	}()
	client.On(&mux, nothing)
}

func TestMuxWithoutFunctions(t *testing.T) {
	t.Parallel()
	if err := new(client.Mux).Run(t.Context(), client.New("http://127.0.0.1:1")); err == nil {
		t.Error("no error")
	}
}
