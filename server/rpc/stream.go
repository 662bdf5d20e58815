package rpc

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/wire"
)

// defaultStreamsPage is the size of a page of streams when the request names none.
const defaultStreamsPage = 100

// streamService shows the live streams, ends them and keeps them open.
type streamService struct {
	tenants
	live     *live.Registry
	stopping <-chan struct{}
}

func (s *streamService) ListStreams(
	ctx context.Context, request *connect.Request[postriderv1.ListStreamsRequest],
) (*connect.Response[postriderv1.ListStreamsResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	after, _, err := wire.PagePlace(request.Msg, tenant.Name)
	if err != nil {
		return nil, err
	}
	if request.Msg.GetPageSize() == 0 {
		request.Msg.PageSize = defaultStreamsPage
	}
	open, size := s.live.Streams(tenant.ID), wire.PageSize(request.Msg)
	response := &postriderv1.ListStreamsResponse{Total: int32(len(open))}
	for i, one := range open {
		if one.Number <= after.ID {
			continue
		}
		if len(response.Streams) == size {
			last := open[i-1].Number
			response.NextPageToken = wire.NextPageToken(request.Msg, tenant.Name, wire.Place{ID: last})
			break
		}
		response.Streams = append(response.Streams, showStream(one, s.store))
	}
	return connect.NewResponse(response), nil
}

func (s *streamService) DisconnectStream(
	ctx context.Context, request *connect.Request[postriderv1.DisconnectStreamRequest],
) (*connect.Response[postriderv1.DisconnectStreamResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	if err := s.live.Disconnect(tenant.ID, request.Msg.GetId()); err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.DisconnectStreamResponse{}), nil
}

func (s *streamService) RenewStream(
	ctx context.Context, request *connect.Request[postriderv1.RenewStreamRequest],
) (*connect.Response[postriderv1.RenewStreamResponse], error) {
	c, err := s.renewer(ctx, request.Msg.GetTicket())
	if err != nil {
		return nil, err
	}
	tenant, err := s.resolve(access.With(ctx, c), request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	if err := s.live.Renew(tenant.ID, request.Msg.GetId(), c); err != nil {
		return nil, err
	}
	response := &postriderv1.RenewStreamResponse{}
	if ends := c.Ends(); !ends.IsZero() {
		response.ExpireTime = timestamppb.New(ends)
	}
	return connect.NewResponse(response), nil
}

// renewer returns the caller that renews a stream: the ticket's if there is one, else the authenticated one.
func (s *streamService) renewer(ctx context.Context, text string) (access.Caller, error) {
	if text != "" {
		return s.access.ByTicket(ctx, text)
	}
	c := access.Of(ctx)
	return c, c.Refused
}
