package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
	"github.com/postrider-dev/postrider/client/webhook"
	"github.com/postrider-dev/postrider/server"
)

const adminKey = "the-admin-key-of-these-tests"

// TestFromPublishToFunction has a whole server deliver to a handler.
func TestFromPublishToFunction(t *testing.T) {
	t.Parallel()
	url := newServer(t)
	h := newHandler(t, secret)
	received := make(chan *shopv1.OrderPaid, 1)
	webhook.On(h, func(_ context.Context, order *shopv1.OrderPaid, event webhook.Event) error {
		received <- order
		return nil
	})
	endpoint := httptest.NewServer(h)
	t.Cleanup(endpoint.Close)
	subscribe(t, url, endpoint.URL)

	sent := &shopv1.OrderPaid{
		OrderId: "42", Amount: &shopv1.Money{Currency: "EUR", MinorUnits: 9007199254740993},
		Method:  &shopv1.OrderPaid_GiftCardCode{GiftCardCode: "ABCDEF012345"},
		PayTime: &timestamppb.Timestamp{Seconds: 1772352000, Nanos: 7},
	}
	if _, err := client.New(url, client.WithKey(adminKey)).Publish(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	select {
	case order := <-received:
		if !proto.Equal(order, sent) {
			t.Errorf("received %v", order)
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing was delivered")
	}
}

func newServer(t *testing.T) string {
	t.Helper()
	config := server.DefaultConfig()
	config.Listen, config.Data, config.AdminKey = "127.0.0.1:0", t.TempDir(), adminKey
	config.Schemas = "../../../gen/descriptors/shop.v1.binpb"
	config.AllowTargets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	instance, err := server.New(t.Context(), config, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- instance.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, instance.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return instance.URL()
}

func subscribe(t *testing.T, url, endpoint string) {
	t.Helper()
	request := connect.NewRequest(&postriderv1.CreateSubscriptionRequest{Subscription: &postriderv1.Subscription{
		Name: "hook", Secret: secret,
		Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{Webhook: &targetv1.Webhook{Url: endpoint}}},
	}})
	request.Header().Set("Authorization", "Bearer "+adminKey)
	if _, err := postriderv1connect.NewSubscriptionServiceClient(http.DefaultClient, url).CreateSubscription(t.Context(), request); err != nil {
		t.Fatal(err)
	}
}
