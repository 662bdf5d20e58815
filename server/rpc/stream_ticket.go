package rpc

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/wire"
)

// CreateStreamTicket makes a ticket that does not outlive the caller's credentials: it ends with a session, too.
func (s *eventService) CreateStreamTicket(
	ctx context.Context, request *connect.Request[postriderv1.CreateStreamTicketRequest],
) (*connect.Response[postriderv1.CreateStreamTicketResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	selected, err := wire.NewFilter("types", request.Msg.GetTypes())
	if err != nil {
		return nil, err
	}
	if selected.Expression, err = wire.NewExpression("expression", request.Msg.GetExpression()); err != nil {
		return nil, err
	}
	report, err := s.filters.Check(ctx, tenant.ID, selected)
	if err != nil {
		return nil, err
	}
	if err := report.Err("expression"); err != nil {
		return nil, err
	}
	lifetime := access.TicketLifetime
	if asked := request.Msg.GetLifetime(); asked != nil {
		lifetime = asked.AsDuration()
	}
	text, expires := s.access.NewTicket(access.Of(ctx), tenant.ID, selected, lifetime)
	return connect.NewResponse(&postriderv1.CreateStreamTicketResponse{
		Ticket: text, ExpireTime: timestamppb.New(expires),
	}), nil
}
