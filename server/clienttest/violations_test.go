package clienttest_test

import (
	"errors"
	"slices"
	"testing"

	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

// The fields at fault are the same over each protocol, and for an event of a stream.
func TestViolations(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	wrong := paid("1")
	wrong.Amount.Currency = "euro"
	for name, option := range map[string][]client.Option{"Connect": nil, "gRPC": {client.WithGRPC()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client.New(url, append(option, client.WithKey(adminKey))...)
			_, err := c.Publish(soon(t), wrong)
			expectViolation(t, err, client.Violation{Field: "event.data.amount.currency", Rule: "string.pattern"})
			_, err = c.PublishEvent(soon(t), client.NewUntypedEvent("no type", "{}"))
			expectViolation(t, err, client.Violation{Field: "event.type", Rule: "string.pattern"})
			stream := c.PublishStream(soon(t))
			if err := stream.Publish(soon(t), wrong); err != nil {
				t.Fatal(err)
			}
			summary, err := stream.Close(soon(t))
			if err != nil || len(summary.Errors) != 1 {
				t.Fatalf("%d refused, %v", len(summary.Errors), err)
			}
			expectViolation(t, summary.Errors[0], client.Violation{Field: "event.data.amount.currency", Rule: "string.pattern"})
		})
	}
	_, err := client.New(url, client.WithKey("wrong")).Publish(soon(t), &shopv1.OrderPaid{})
	for _, none := range []error{nil, errors.New("another"), err} {
		if got := client.Violations(none); got != nil {
			t.Errorf("%v has %v", none, got)
		}
	}
}

func expectViolation(t *testing.T, err error, want client.Violation) {
	t.Helper()
	got := client.Violations(err)
	if !slices.ContainsFunc(got, func(one client.Violation) bool {
		return one.Field == want.Field && one.Rule == want.Rule && one.Message != ""
	}) {
		t.Errorf("%v: got %+v, want %+v", err, got, want)
	}
}
