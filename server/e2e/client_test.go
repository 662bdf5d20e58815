package e2e_test

import (
	"context"
	"net/http"
	"testing"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

// client speaks gRPC to one server.
type client struct {
	events        postriderv1connect.EventServiceClient
	subscriptions postriderv1connect.SubscriptionServiceClient
}

func newClient(s *server) *client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	httpClient := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	options := []connect.ClientOption{connect.WithGRPC(), connect.WithInterceptors(bearer(adminKey))}
	return &client{
		events:        postriderv1connect.NewEventServiceClient(httpClient, s.url(), options...),
		subscriptions: postriderv1connect.NewSubscriptionServiceClient(httpClient, s.url(), options...),
	}
}

// bearer puts the API key on every call.
type bearer string

func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		request.Header().Set("Authorization", "Bearer "+string(b))
		return next(ctx, request)
	}
}

func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", "Bearer "+string(b))
		return conn
	}
}

func (bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// log returns the whole log, oldest first.
func (c *client) log(t testing.TB) []*postriderv1.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var events []*postriderv1.Event
	for token := ""; ; {
		page, err := c.events.ListEvents(ctx, connect.NewRequest(&postriderv1.ListEventsRequest{PageSize: 1000, PageToken: token}))
		if err != nil {
			t.Fatalf("list events: %v", err)
		}
		events = append(events, page.Msg.GetEvents()...)
		if token = page.Msg.GetNextPageToken(); token == "" {
			break
		}
	}
	for i, j := 0, len(events)-1; i < j; i, j = i+1, j-1 {
		events[i], events[j] = events[j], events[i]
	}
	return events
}

// publish publishes one untyped event that must be accepted.
func (c *client) publish(t testing.TB, event *postriderv1.Event) *postriderv1.PublishResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	response, err := c.events.Publish(ctx, connect.NewRequest(&postriderv1.PublishRequest{Event: event}))
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return response.Msg
}

// untyped makes an event with a JSON payload.
func untyped(id, eventType, data string) *postriderv1.Event {
	return &postriderv1.Event{Id: id, Type: eventType, Payload: &postriderv1.Event_JsonData{JsonData: data}}
}
