package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream/rpcstream"
	"github.com/postrider-dev/postrider/server/wire"
)

// eventService publishes events and reads them back.
type eventService struct {
	tenants
	publisher *publish.Publisher
	schemas   *schema.Registry
	filters   *filter.Compiler
	trials    trials
	events    *rpcstream.Transport
	live      *live.Registry
	stopping  <-chan struct{}
}

// rpcTransports are the protocols that Subscribe comes over.
var rpcTransports = map[string]postriderv1.LiveStream_Transport{
	connect.ProtocolConnect: postriderv1.LiveStream_TRANSPORT_CONNECT,
	connect.ProtocolGRPC:    postriderv1.LiveStream_TRANSPORT_GRPC,
	connect.ProtocolGRPCWeb: postriderv1.LiveStream_TRANSPORT_GRPC_WEB,
}

func (s *eventService) Publish(
	ctx context.Context, request *connect.Request[postriderv1.PublishRequest],
) (*connect.Response[postriderv1.PublishResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	draft, err := wire.NewDraft(request.Msg.GetEvent())
	if err != nil {
		return nil, err
	}
	ack, err := s.publisher.Publish(ctx, tenant, draft)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.PublishResponse(ack)), nil
}

func (s *eventService) PublishBatch(
	ctx context.Context, request *connect.Request[postriderv1.PublishBatchRequest],
) (*connect.Response[postriderv1.PublishBatchResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	drafts, err := wire.NewDrafts(request.Msg.GetEvents())
	if err != nil {
		return nil, err
	}
	acks, err := s.publisher.PublishBatch(ctx, tenant, drafts)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.PublishBatchResponse(acks)), nil
}

func (s *eventService) Subscribe(
	ctx context.Context, request *connect.Request[postriderv1.SubscribeRequest],
	to *connect.ServerStream[postriderv1.SubscribeResponse],
) error {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return err
	}
	entry := s.live.List(openStreamOf(ctx), tenant, rpcTransports[request.Peer().Protocol], request.Msg)
	return s.events.Subscribe(ctx, tenant, entry, request, to)
}

func (s *eventService) GetEvent(
	ctx context.Context, request *connect.Request[postriderv1.GetEventRequest],
) (*connect.Response[postriderv1.GetEventResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	event, err := s.store.EventByID(ctx, tenant.ID, request.Msg.GetId())
	if err != nil {
		return nil, err
	}
	shown, err := s.view(request, request.Msg.GetPayloadFormat()).Event(event, tenant.Name)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.GetEventResponse{Event: shown}), nil
}

func (s *eventService) ListEvents(
	ctx context.Context, request *connect.Request[postriderv1.ListEventsRequest],
) (*connect.Response[postriderv1.ListEventsResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	query, err := eventQuery(request.Msg, tenant)
	if err != nil {
		return nil, err
	}
	response := &postriderv1.ListEventsResponse{}
	if query.Before == 0 {
		// The first page is read at one place: an event that arrives meanwhile comes after the answered cursor.
		head := s.store.Head()
		query.Before, response.Cursor = head+1, s.store.Cursor(head).String()
	}
	events, next, err := s.list(ctx, tenant, query, response)
	if err != nil {
		return nil, err
	}
	if response.Events, err = s.view(request, request.Msg.GetPayloadFormat()).Events(events, tenant.Name); err != nil {
		return nil, err
	}
	if n := len(response.Events); n < len(events) {
		next = events[n-1].Position
	}
	if next != 0 {
		response.NextPageToken = wire.NextPageToken(request.Msg, tenant.Name, wire.Place{Position: next})
	}
	return connect.NewResponse(response), nil
}

func eventQuery(request *postriderv1.ListEventsRequest, tenant *gateway.Tenant) (store.EventQuery, error) {
	selected, err := wire.NewFilter("types", request.GetTypes())
	if err != nil {
		return store.EventQuery{}, err
	}
	if selected.Expression, err = wire.NewExpression("expression", request.GetExpression()); err != nil {
		return store.EventQuery{}, err
	}
	from, err := readTime("from_time", request.GetFromTime())
	if err != nil {
		return store.EventQuery{}, err
	}
	to, err := readTime("to_time", request.GetToTime())
	if err != nil {
		return store.EventQuery{}, err
	}
	place, _, err := wire.PagePlace(request, tenant.Name)
	return store.EventQuery{
		Tenant: tenant.ID, Filter: selected, Subject: request.GetSubject(), From: from, To: to,
		Before: place.Position, Limit: wire.PageSize(request),
	}, err
}

// readTime reads an optional time; absent is nil, as the beginning of the year 1, Go's zero time, is a time like any other.
func readTime(field string, at *timestamppb.Timestamp) (*time.Time, error) {
	if at == nil {
		return nil, nil
	}
	if err := at.CheckValid(); err != nil {
		return nil, gateway.FieldError(field, "must lie between the years 1 and 9999")
	}
	return new(at.AsTime()), nil
}

// view shows events as this caller's encoding has them.
func (s *eventService) view(request connect.AnyRequest, format postriderv1.PayloadFormat) wire.EventView {
	return wire.NewEventView(s.schemas, s.store.Cursor, wire.FormatFor(request.Header(), request.Peer().Query, format))
}
