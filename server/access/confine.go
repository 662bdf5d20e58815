package access

import (
	"slices"
	"strings"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// confines reports whether a ticket shows only some of the tenant's events.
func (t *Ticket) confines() bool { return t != nil && (len(t.Types) > 0 || t.Expression != "") }

// Narrow makes the request one for what the caller's ticket shows. It may ask for less, by types, and by an expression where the
// ticket has none: two expressions are not joined, since the one of the request could be written to undo the other.
func (c Caller) Narrow(request *postriderv1.SubscribeRequest) error {
	ticket := c.Ticket
	if !ticket.confines() {
		return nil
	}
	if len(request.GetFilters()) > 0 {
		return gateway.FieldError("filters", "the ticket says which events are shown")
	}
	if request.GetExpression() != "" && ticket.Expression != "" {
		return gateway.FieldError("expression", "the ticket says which events are shown")
	}
	if !ticket.shows(request.GetTypes()) {
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

// MayRead reports whether the caller's ticket, if there is one, allows everything that a stream with these filters carries.
func (c Caller) MayRead(filters []*postriderv1.NamedFilter) bool {
	if !c.Ticket.confines() {
		return true
	}
	if len(filters) != 1 || filters[0].GetName() != "" {
		return false
	}
	types, expression := filters[0].GetTypes(), filters[0].GetExpression()
	asksForAll := len(types) == 0 && len(c.Ticket.Types) > 0
	return !asksForAll && c.Ticket.shows(types) && (c.Ticket.Expression == "" || c.Ticket.Expression == expression)
}

// shows reports whether a ticket shows all events that the patterns select. A pattern covers another that it matches when
// that is read as the name of a type: "order.*" covers "order.paid" and "order.paid.*".
func (t *Ticket) shows(types []string) bool {
	shown := gateway.Filter{Types: t.Types}
	return !slices.ContainsFunc(types, func(pattern string) bool { return !shown.Match(pattern) })
}
