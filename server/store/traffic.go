package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// TrafficLimit bounds the counting of a type's events; TrafficLimit + 1 stands for "more".
const TrafficLimit = 10_000

// Traffic answers how many events of a type a tenant published since a time, exact up to TrafficLimit, and when the
// newest was accepted (zero when there is none).
func (s *Store) Traffic(
	ctx context.Context, tenant gateway.TenantID, eventType string, since time.Time,
) (events int64, last time.Time, err error) {
	after, err := s.PositionBefore(ctx, since)
	if err != nil {
		return 0, last, err
	}
	err = s.db.reader.QueryRowContext(ctx, s.db.bind(`select count(*) from
		(select 1 from event where tenant_id = ? and type = ? and position > ? limit ?) as counted`),
		int64(tenant), eventType, int64(after), TrafficLimit+1).Scan(&events)
	if err != nil {
		return 0, last, fmt.Errorf("count events: %w", err)
	}
	newest, err := s.newestOf(ctx, tenant, eventType, 1)
	if err != nil || len(newest) == 0 {
		return events, last, err
	}
	found, err := s.EventsAt(ctx, newest)
	if event := found[newest[0]]; event != nil {
		last = event.AcceptTime
	}
	return events, last, err
}

// EventsOfType answers the newest events of a type, those of all tenants together, newest first.
func (s *Store) EventsOfType(ctx context.Context, eventType string, limit int) ([]*gateway.Event, error) {
	var newest []gateway.Position
	for _, tenant := range s.tenantIDs() {
		found, err := s.newestOf(ctx, tenant, eventType, limit)
		if err != nil {
			return nil, err
		}
		newest = append(newest, found...)
	}
	slices.Sort(newest)
	slices.Reverse(newest)
	newest = newest[:min(len(newest), limit)]
	found, err := s.EventsAt(ctx, newest)
	if err != nil {
		return nil, err
	}
	events := make([]*gateway.Event, 0, len(newest))
	for _, position := range newest {
		if event := found[position]; event != nil {
			events = append(events, event)
		}
	}
	return events, nil
}

func (s *Store) newestOf(ctx context.Context, tenant gateway.TenantID, eventType string, limit int) ([]gateway.Position, error) {
	return s.positions(ctx, `select position from event where tenant_id = ? and type = ? order by position desc limit ?`,
		int64(tenant), eventType, limit)
}
