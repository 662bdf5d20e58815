package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"

	"connectrpc.com/connect"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/client/signature"
)

// subscriptions are what the receiver wants to hear of. An expression is checked against the type's message when it is
// saved, and again whenever somebody wants to change the message.
var subscriptions = []struct{ name, eventType, expression string }{
	{name: "invoices", eventType: "shop.v1.OrderCreated", expression: "event.data.total.minor_units > 0"},
	{name: "receipts", eventType: "shop.v1.OrderPaid"},
}

// office sets the server up, with its admin key.
type office struct {
	url, key      string
	keys          postriderv1connect.ApiKeyServiceClient
	subscriptions postriderv1connect.SubscriptionServiceClient
}

func newOffice(url, key string) *office {
	return &office{
		url:           url,
		key:           key,
		keys:          postriderv1connect.NewApiKeyServiceClient(http.DefaultClient, url),
		subscriptions: postriderv1connect.NewSubscriptionServiceClient(http.DefaultClient, url),
	}
}

// registerTypes makes the messages marked in proto/ the server's event types: what does not fit them is refused from now on.
func (o *office) registerTypes(ctx context.Context) error {
	command := exec.CommandContext(ctx, "bin/postrider", "types", "push", "proto")
	command.Env = append(os.Environ(), access(o.url, o.key)...)
	if text, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("register the event types: %w\n%s", err, text)
	}
	return nil
}

func (o *office) producerKey(ctx context.Context) (string, error) {
	return o.newKey(ctx, "producer", postriderv1.ApiKeyScope_API_KEY_SCOPE_PUBLISH)
}

func (o *office) consumerKey(ctx context.Context) (string, error) {
	return o.newKey(ctx, "consumers", postriderv1.ApiKeyScope_API_KEY_SCOPE_CONSUME)
}

// newKey makes a key that can do one thing.
func (o *office) newKey(ctx context.Context, name string, scope postriderv1.ApiKeyScope) (string, error) {
	response, err := o.keys.CreateApiKey(ctx, request(o, &postriderv1.CreateApiKeyRequest{
		ApiKey: &postriderv1.ApiKey{Name: name, Tenant: "default", Scopes: []postriderv1.ApiKeyScope{scope}},
	}))
	if err != nil {
		return "", err
	}
	return response.Msg.GetSecret(), nil
}

// subscribe has what the receiver wants to hear of delivered to url.
func (o *office) subscribe(ctx context.Context, url, secret string) error {
	for _, wanted := range subscriptions {
		_, err := o.subscriptions.CreateSubscription(ctx, request(o, &postriderv1.CreateSubscriptionRequest{
			Subscription: &postriderv1.Subscription{
				Name:   wanted.name,
				Filter: &postriderv1.Filter{Types: []string{wanted.eventType}, Expression: wanted.expression},
				Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{Webhook: &targetv1.Webhook{Url: url}}},
				Secret: secret,
			},
		}))
		if err != nil {
			return fmt.Errorf("subscribe to %s: %w", wanted.eventType, err)
		}
	}
	return nil
}

func request[T any](o *office, message *T) *connect.Request[T] {
	made := connect.NewRequest(message)
	made.Header().Set("Authorization", "Bearer "+o.key)
	return made
}

func newSecret() string { return signature.NewSecret().Reveal() }
