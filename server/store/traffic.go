package store

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// TrafficLimit bounds the count of a type's events; TrafficLimit + 1 means "more".
const TrafficLimit = 10_000

// Traffic returns the number of events of a type that a tenant published since a time, exact up to TrafficLimit. last is the
// time at which the newest event was accepted, zero when there is none.
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

// PublishedTypes returns the registered types of which a tenant has stored events. It reads one entry of the index for each
// type, however many events there are.
func (s *Store) PublishedTypes(ctx context.Context, tenant gateway.TenantID) (map[string]bool, error) {
	rows, err := s.db.reader.QueryContext(ctx, s.db.bind(`select name from event_type
		where exists (select 1 from event where event.tenant_id = ? and event.type = event_type.name)`), int64(tenant))
	if err != nil {
		return nil, fmt.Errorf("read published types: %w", err)
	}
	defer func() { _ = rows.Close() }()
	published := make(map[string]bool)
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("read published types: %w", err)
		}
		published[name] = true
	}
	return published, rows.Err()
}

// atOnce is the number of a type's events that are read at once: each may have the maximum size of an event.
const atOnce = 16

// EventsOfType iterates over the newest events of a type, of all tenants together, newest first, at most limit. It reads a
// few events at a time, as the caller asks for them.
func (s *Store) EventsOfType(ctx context.Context, eventType string, limit int) iter.Seq2[*gateway.Event, error] {
	return func(yield func(*gateway.Event, error) bool) {
		newest, err := s.newestOfAll(ctx, eventType, limit)
		if err != nil {
			yield(nil, err)
			return
		}
		for some := range slices.Chunk(newest, atOnce) {
			found, err := s.EventsAt(ctx, some)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, position := range some {
				if event := found[position]; event != nil && !yield(event, nil) {
					return
				}
			}
		}
	}
}

func (s *Store) newestOfAll(ctx context.Context, eventType string, limit int) ([]gateway.Position, error) {
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
	return newest[:min(len(newest), limit)], nil
}

func (s *Store) newestOf(ctx context.Context, tenant gateway.TenantID, eventType string, limit int) ([]gateway.Position, error) {
	return s.positions(ctx, `select position from event where tenant_id = ? and type = ? order by position desc limit ?`,
		int64(tenant), eventType, limit)
}

// PublishedCount is the number of events of a type that a tenant published in an interval.
type PublishedCount struct {
	Tenant gateway.TenantID
	Type   string
	Start  time.Time
	Events int64
}

// Published counts the events in (after, upTo] by tenant, type and interval of their accept time.
func (s *Store) Published(ctx context.Context, after, upTo gateway.Position, interval time.Duration) ([]PublishedCount, error) {
	rows, err := s.db.reader.QueryContext(ctx, s.db.bind(`select tenant_id, type, accept_time / ?, count(*) from event
		where position > ? and position <= ? group by 1, 2, 3`), interval.Microseconds(), int64(after), int64(upTo))
	if err != nil {
		return nil, fmt.Errorf("count events: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var counts []PublishedCount
	for rows.Next() {
		var one PublishedCount
		var number int64
		if err := rows.Scan(&one.Tenant, &one.Type, &number, &one.Events); err != nil {
			return nil, fmt.Errorf("count events: %w", err)
		}
		one.Start = fromMicros(number * interval.Microseconds())
		counts = append(counts, one)
	}
	return counts, rows.Err()
}
