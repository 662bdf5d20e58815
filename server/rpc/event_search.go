package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// A search examines at most searchReads × searchPage events in one call: enough to find something, and little enough to
// respond within a second.
const (
	searchReads = 10
	searchPage  = 500
	// searchBytes is the size of the found events at which a page ends.
	searchBytes = 4 << 20
)

// list reads the events of a query, newest first. next is where the next page begins, 0 if there is none. It sets how far a
// search has come.
func (s *eventService) list(
	ctx context.Context, tenant *gateway.Tenant, query store.EventQuery, response *postriderv1.ListEventsResponse,
) (events []*gateway.Event, next gateway.Position, err error) {
	if query.Filter.Expression == "" {
		return s.store.ListEvents(ctx, query)
	}
	report, err := s.filters.Check(ctx, tenant.ID, query.Filter)
	if err != nil {
		return nil, 0, err
	}
	if err := report.Err("expression"); err != nil {
		return nil, 0, err
	}
	found := search{service: s, tenant: tenant, expression: s.filters.Expression(query.Filter.Expression), limit: query.Limit}
	next, err = found.run(ctx, query)
	if found.last != nil {
		response.SearchedTime = timestamppb.New(found.last.AcceptTime)
	}
	return found.events, next, err
}

// search looks for the events that an expression selects.
type search struct {
	service    *eventService
	tenant     *gateway.Tenant
	expression *filter.Expression
	limit      int

	events []*gateway.Event
	bytes  int
	// last is the event that was examined last.
	last *gateway.Event
}

// run examines events until there are enough, or the call has examined its share.
func (s *search) run(ctx context.Context, query store.EventQuery) (next gateway.Position, err error) {
	query.Limit = searchPage
	for range searchReads {
		if err := s.service.trials.allow(s.tenant); err != nil {
			return s.rest(err)
		}
		page, next, err := s.service.store.ListEvents(ctx, query)
		if err != nil {
			return 0, err
		}
		s.service.trials.spendRead(s.tenant, page)
		full, err := s.examine(ctx, page)
		switch {
		case err != nil && ctx.Err() == nil:
			return s.rest(err)
		case err != nil:
			return 0, err
		case full:
			return s.last.Position, nil
		case next == 0:
			return 0, nil
		}
		query.Before = next
	}
	return query.Before, nil
}

// rest ends a call whose tenant has used up its share. What was examined before is a page like any other.
func (s *search) rest(refused error) (next gateway.Position, err error) {
	if s.last == nil {
		return 0, refused
	}
	return s.last.Position, nil
}

// examine adds the events of a page that the expression selects. full means that there are enough.
func (s *search) examine(ctx context.Context, page []*gateway.Event) (full bool, err error) {
	for _, event := range page {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		err := s.service.trials.run(s.tenant, event, func(subject *filter.Subject) {
			if s.last = event; s.expression.Match(subject).Matched {
				s.events, s.bytes = append(s.events, event), s.bytes+event.Size()
			}
		})
		if err != nil || len(s.events) >= s.limit || s.bytes >= searchBytes {
			return err == nil, err
		}
	}
	return false, nil
}
