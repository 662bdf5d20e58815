package rpc

import (
	"context"
	"errors"
	"strconv"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
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
	// readBytesPerUnit is how many bytes of events are read in the time of a unit of filter.EventBudget, 50 ns.
	readBytesPerUnit = 64
)

// What tests of filters and searches may cost, in units of the budget of an event: a fifth of a processor's time for each
// tenant and half of one for all, with four and eight seconds in advance. What people type costs a thousandth.
var (
	testsOfTenant = limit.Rate{PerSecond: 20 * filter.EventBudget, Burst: 400 * filter.EventBudget}
	testsOfAll    = limit.Rate{PerSecond: 50 * filter.EventBudget, Burst: 800 * filter.EventBudget}
)

// TestFilter compiles a filter and returns which of the newest events it selects, and why not the others.
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
	report, err := s.filters.Check(ctx, tenant.ID, f)
	if err != nil {
		return nil, err
	}
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
	response.Results, err = s.explain(ctx, tenant, s.filters.Expression(f.Expression), events)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(response), nil
}

// explain returns for each event whether an expression selects it. The cost is charged to the tenant.
func (s *subscriptionService) explain(
	ctx context.Context, tenant *gateway.Tenant, expression *filter.Expression, events []*gateway.Event,
) (results []*postriderv1.FilterResult, err error) {
	for _, event := range events {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := s.trials.run(tenant, event, func(subject *filter.Subject) {
			matched, reason := expression.Explain(subject)
			results = append(results, wire.FilterResult(event, matched, reason))
		})
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// trials bounds what the expressions of people who test and search cost a tenant.
type trials struct {
	rates   *limit.Rates
	filters *filter.Compiler
}

func newTrials(filters *filter.Compiler) trials {
	return trials{limit.NewRates(testsOfTenant, testsOfAll), filters}
}

// run evaluates an expression for an event and charges the tenant for it, or returns an error if the tenant has used up its
// share.
func (t trials) run(tenant *gateway.Tenant, event *gateway.Event, evaluate func(*filter.Subject)) error {
	if err := t.allow(tenant); err != nil {
		return err
	}
	subject := t.filters.Subject(event)
	before := subject.Spent() // Others look at the same one.
	evaluate(subject)
	t.spend(tenant, subject.Spent()-before)
	return nil
}

// allow returns an error if the tenant has used up its share.
func (t trials) allow(tenant *gateway.Tenant) error {
	err := t.rates.Allow(account(tenant))
	var refused *gateway.Error
	if errors.As(err, &refused) {
		refused.Message = "searches and tests of filters have cost too much lately; wait, or use a cheaper expression on fewer events"
	}
	return err
}

// spend charges the tenant in the unit of filter.EventBudget.
func (t trials) spend(tenant *gateway.Tenant, cost int) { t.rates.Spend(account(tenant), cost) }

// spendRead charges the tenant for events that were read to be examined.
func (t trials) spendRead(tenant *gateway.Tenant, events []*gateway.Event) {
	bytes := 0
	for _, event := range events {
		bytes += event.Size()
	}
	t.spend(tenant, bytes/readBytesPerUnit)
}

func account(tenant *gateway.Tenant) string { return strconv.FormatInt(int64(tenant.ID), 10) }

// newest reads the newest events that a filter's patterns select, as far as they lie in a bounded part of the log.
func (s *subscriptionService) newest(ctx context.Context, tenant *gateway.Tenant, f gateway.Filter, limit int) ([]*gateway.Event, error) {
	query := store.EventQuery{Tenant: tenant.ID, Filter: f}
	var all []*gateway.Event
	for range testPages {
		query.Limit = limit - len(all)
		if err := s.trials.allow(tenant); err != nil {
			return nil, err
		}
		page, next, err := s.store.ListEvents(ctx, query)
		if err != nil {
			return nil, err
		}
		s.trials.spendRead(tenant, page)
		if all = append(all, page...); len(all) >= limit || next == 0 {
			break
		}
		query.Before = next
	}
	return all, nil
}
