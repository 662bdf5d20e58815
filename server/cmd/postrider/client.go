package main

import (
	"context"
	"net/http"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

// client calls the services of one server.
type client struct {
	events        postriderv1connect.EventServiceClient
	subscriptions postriderv1connect.SubscriptionServiceClient
	deliveries    postriderv1connect.DeliveryServiceClient
	keys          postriderv1connect.ApiKeyServiceClient
	tenants       postriderv1connect.TenantServiceClient
	types         postriderv1connect.EventTypeServiceClient
	streams       postriderv1connect.StreamServiceClient
	sessions      postriderv1connect.SessionServiceClient
	// tenant is the tenant's name, empty for the key's own.
	tenant string
	// server is the server's address, and key is shown to it.
	server, key string
}

// open returns a client. It sends nothing.
func (c *connection) open() (*client, error) {
	p, err := c.find()
	if err != nil {
		return nil, err
	}
	return newClient(p), nil
}

func newClient(p place) *client {
	options := connect.WithInterceptors(caller{p})
	return &client{
		events:        postriderv1connect.NewEventServiceClient(http.DefaultClient, p.server, options),
		subscriptions: postriderv1connect.NewSubscriptionServiceClient(http.DefaultClient, p.server, options),
		deliveries:    postriderv1connect.NewDeliveryServiceClient(http.DefaultClient, p.server, options),
		keys:          postriderv1connect.NewApiKeyServiceClient(http.DefaultClient, p.server, options),
		tenants:       postriderv1connect.NewTenantServiceClient(http.DefaultClient, p.server, options),
		types:         postriderv1connect.NewEventTypeServiceClient(http.DefaultClient, p.server, options),
		streams:       postriderv1connect.NewStreamServiceClient(http.DefaultClient, p.server, options),
		sessions:      postriderv1connect.NewSessionServiceClient(http.DefaultClient, p.server, options),
		tenant:        p.tenant, server: p.server, key: p.key,
	}
}

// caller shows the key with every call, and makes errors of the connection name the server.
type caller struct{ to place }

func (c caller) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		request.Header().Set("Authorization", "Bearer "+c.to.key)
		response, err := next(ctx, request)
		return response, c.to.explain(err)
	}
}

func (c caller) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", "Bearer "+c.to.key)
		return explainedStream{conn, c.to}
	}
}

func (c caller) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// explainedStream explains the errors of a stream as those of a call.
type explainedStream struct {
	connect.StreamingClientConn
	from place
}

func (s explainedStream) Send(message any) error {
	return s.from.explain(s.StreamingClientConn.Send(message))
}

func (s explainedStream) Receive(message any) error {
	return s.from.explain(s.StreamingClientConn.Receive(message))
}
