// Package grpctest is a client of EventService on gRPC-Go, for tests. The contract has no generated stubs for gRPC-Go: they would sit
// in the package of its messages, and gRPC-Go would become a part of the server and of every client.
package grpctest

import (
	"context"

	"google.golang.org/grpc"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

// Events calls EventService.
type Events struct{ Connection *grpc.ClientConn }

// Publish publishes one event.
func (e Events) Publish(ctx context.Context, request *postriderv1.PublishRequest) (*postriderv1.PublishResponse, error) {
	response := &postriderv1.PublishResponse{}
	return response, e.Connection.Invoke(ctx, postriderv1connect.EventServicePublishProcedure, request, response)
}

// ListEvents lists stored events.
func (e Events) ListEvents(ctx context.Context, request *postriderv1.ListEventsRequest) (*postriderv1.ListEventsResponse, error) {
	response := &postriderv1.ListEventsResponse{}
	return response, e.Connection.Invoke(ctx, postriderv1connect.EventServiceListEventsProcedure, request, response)
}

// PublishStream opens a stream of events and acknowledgements.
func (e Events) PublishStream(ctx context.Context) (grpc.BidiStreamingClient[postriderv1.PublishStreamRequest, postriderv1.PublishStreamResponse], error) {
	stream, err := e.Connection.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, postriderv1connect.EventServicePublishStreamProcedure)
	return &grpc.GenericClientStream[postriderv1.PublishStreamRequest, postriderv1.PublishStreamResponse]{ClientStream: stream}, err
}

// Subscribe opens a live stream.
func (e Events) Subscribe(ctx context.Context, request *postriderv1.SubscribeRequest) (grpc.ServerStreamingClient[postriderv1.SubscribeResponse], error) {
	stream, err := e.Connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, postriderv1connect.EventServiceSubscribeProcedure)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(request); err != nil {
		return nil, err
	}
	return &grpc.GenericClientStream[postriderv1.SubscribeRequest, postriderv1.SubscribeResponse]{ClientStream: stream}, stream.CloseSend()
}
