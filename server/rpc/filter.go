package rpc

import (
	"context"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/wire"
)

const (
	// defaultTestEvents is how many events a filter is tested on when the request names no number; onlyCompile stands for
	// none.
	defaultTestEvents = 20
	onlyCompile       = -1
	// testPages bounds how much of the log is searched for events to test on, where the patterns select few.
	testPages = 20
)

// TestFilter compiles a filter and says which of the newest events it selects, and why not the others.
func (s *subscriptionService) TestFilter(
	ctx context.Context, request *connect.Request[postriderv1.TestFilterRequest],
) (*connect.Response[postriderv1.TestFilterResponse], error) {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	f, err := wire.ReadFilter("filter", request.Msg.GetFilter())
	if err != nil {
		return nil, err
	}
	report := s.filters.Check(f)
	response := &postriderv1.TestFilterResponse{}
	for _, problem := range report.Problems {
		response.Problems = append(response.Problems, &postriderv1.FilterProblem{
			Line: int32(problem.Line), Column: int32(problem.Column), Message: problem.Message,
			Suggestion: problem.Suggestion, Type: problem.Type,
		})
	}
	limit := int(request.Msg.GetLimit())
	if limit == 0 {
		limit = defaultTestEvents
	}
	if report.Refused || limit == onlyCompile {
		return connect.NewResponse(response), nil
	}
	events, err := s.newest(ctx, tenant, f, limit)
	if err != nil {
		return nil, err
	}
	expression := s.filters.Expression(f.Expression)
	for _, event := range events {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		matched, reason := expression.Explain(s.filters.Subject(event))
		response.Results = append(response.Results, wire.FilterResult(event, matched, reason))
	}
	return connect.NewResponse(response), nil
}

// newest reads the newest events that a filter's patterns select, as far as they lie in a bounded part of the log.
func (s *subscriptionService) newest(ctx context.Context, tenant *gateway.Tenant, f gateway.Filter, limit int) ([]*gateway.Event, error) {
	query := store.EventQuery{Tenant: tenant.ID, Filter: f}
	var all []*gateway.Event
	for range testPages {
		query.Limit = limit - len(all)
		page, next, err := s.store.ListEvents(ctx, query)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(all) >= limit || next == 0 {
			break
		}
		query.Before = next
	}
	return all, nil
}
