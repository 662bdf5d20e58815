package rpc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
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
	c, now := callerOf(ctx), time.Now().Truncate(time.Second)
	ticket := access.Ticket{
		KeyID: c.KeyID, KeyHash: c.hash, Tenant: int64(tenant.ID), Types: selected.Types, Expression: selected.Expression,
		Session: access.SessionID(c.session.ID), SessionExpires: c.session.Expires,
		Issued: now, Expires: now.Add(access.TicketLifetime),
	}
	if asked := request.Msg.GetLifetime(); asked != nil {
		ticket.Expires = now.Add(asked.AsDuration().Truncate(time.Second))
	}
	if ends := c.ends(); !ends.IsZero() && ends.Before(ticket.Expires) {
		ticket.Expires = ends
	}
	return connect.NewResponse(&postriderv1.CreateStreamTicketResponse{
		Ticket: access.SealTicket(s.keyring, ticket), ExpireTime: timestamppb.New(ticket.Expires),
	}), nil
}

// byTicket returns the ticket's maker, confined to what the ticket allows. The maker's key must still be valid and may still
// read the tenant's events.
func (a *authenticator) byTicket(ctx context.Context, text string) (caller, access.Ticket, error) {
	ticket, err := access.OpenTicket(a.ring, text, time.Now())
	if errors.Is(err, access.ErrTicketExpired) {
		return caller{}, ticket, errTicketExpired()
	}
	if err != nil {
		return caller{}, ticket, errUnknownTicket
	}
	c, err := a.byHash(ctx, ticket.KeyHash)
	if err != nil {
		return caller{}, ticket, err
	}
	tenant := gateway.TenantID(ticket.Tenant)
	if c.KeyID != ticket.KeyID || !c.ServerScoped() && c.Tenant != tenant {
		return caller{}, ticket, errUnknownKey()
	}
	if err := streamRequirement.permit(c.Principal); err != nil {
		return c, ticket, err
	}
	c.session = gateway.Session{
		ID: gateway.SessionID(ticket.Session), KeyID: c.KeyID, Tenant: c.Tenant, Expires: ticket.SessionExpires,
	}
	if err := a.checkSession(c); err != nil {
		return c, ticket, err
	}
	c.Tenant, c.Scopes, c.ticketEnd, c.issued = tenant, gateway.ScopeConsume, ticket.Expires, ticket.Issued
	return c, ticket, nil
}

// errUnknownTicket is a single value, so that it can be compared.
var errUnknownTicket = unauthenticated("the ticket is not one of this server")

func isUnknownTicket(err error) bool { return errors.Is(err, errUnknownTicket) }

func errTicketExpired() error { return unauthenticated("the ticket has expired; make a new one") }

// confined reports whether a ticket shows only some of the tenant's events.
func confined(ticket access.Ticket) bool { return len(ticket.Types) > 0 || ticket.Expression != "" }

// narrow makes the request one for what the ticket shows. It may ask for less, by types, and by an expression where the
// ticket has none: two expressions are not joined, since the one of the request could be written to undo the other.
func narrow(request *postriderv1.SubscribeRequest, ticket access.Ticket) error {
	if !confined(ticket) {
		return nil
	}
	if len(request.GetFilters()) > 0 {
		return gateway.FieldError("filters", "the ticket says which events are shown")
	}
	if request.GetExpression() != "" && ticket.Expression != "" {
		return gateway.FieldError("expression", "the ticket says which events are shown")
	}
	if !shows(ticket, request.GetTypes()) {
		return gateway.FieldError("types", "the ticket shows only %s", strings.Join(ticket.Types, ", "))
	}
	if len(request.GetTypes()) == 0 {
		request.Types = ticket.Types
	}
	if ticket.Expression != "" {
		request.Expression = ticket.Expression
	}
	return nil
}

// shows reports whether a ticket shows all events that the patterns select. A pattern covers another that it matches when
// that is read as the name of a type: "order.*" covers "order.paid" and "order.paid.*".
func shows(ticket access.Ticket, types []string) bool {
	shown := gateway.Filter{Types: ticket.Types}
	return !slices.ContainsFunc(types, func(pattern string) bool { return !shown.Match(pattern) })
}
