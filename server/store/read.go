package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Reads of the log use SQL: one statement reads two tables, which ent does not join.
const selectEvents = `select e.position, e.tenant_id, e.event_id, e.type, e.source, e.subject, e.time_seconds, e.time_nanos,
	e.accept_time, e.schema_id, e.violations, e.ordering_key, p.data from event e join event_payload p on p.position = e.position `

func scanEvent(rows *sql.Rows) (*gateway.Event, error) {
	var (
		e               gateway.Event
		subject, key    sql.NullString
		seconds, accept int64
		nanos           int64
		schema          sql.NullInt64
		broken          []byte
	)
	err := rows.Scan(&e.Position, &e.Tenant, &e.ID, &e.Type, &e.Source, &subject, &seconds, &nanos, &accept, &schema,
		&broken, &key, &e.Data)
	if err != nil {
		return nil, err
	}
	if err := decodeViolations(&e, broken); err != nil {
		return nil, err
	}
	e.OrderingKey = key.String
	e.Subject = subject.String
	e.Time = time.Unix(seconds, nanos).UTC()
	e.AcceptTime = fromMicros(accept)
	e.Schema = gateway.SchemaID(schema.Int64)
	return &e, nil
}

// events runs a query that begins with selectEvents. It returns events up to a total size of about maxBytes (at least one
// event; 0: no bound). cut means that events were left out because of the bound.
func (s *Store) events(ctx context.Context, maxBytes int, query string, args ...any) (events []*gateway.Event, cut bool, err error) {
	rows, err := s.db.reader.QueryContext(ctx, s.db.bind(query), args...)
	if err != nil {
		return nil, false, fmt.Errorf("read events: %w", err)
	}
	defer func() { _ = rows.Close() }()
	size := 0
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return nil, false, fmt.Errorf("read events: %w", err)
		}
		if size += e.Size(); maxBytes > 0 && size > maxBytes && len(events) > 0 {
			return events, true, nil
		}
		events = append(events, e)
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("read events: %w", err)
	}
	return events, false, nil
}

// ReadAfter returns up to limit events of all tenants after a position, in order, with a total size of about maxBytes.
func (s *Store) ReadAfter(ctx context.Context, after gateway.Position, limit, maxBytes int) ([]*gateway.Event, error) {
	events, _, err := s.events(ctx, maxBytes, selectEvents+`where e.position > ? order by e.position limit ?`, int64(after), limit)
	return events, err
}

// EventsAt returns the events at these positions. Positions without an event are missing from the result.
func (s *Store) EventsAt(ctx context.Context, positions []gateway.Position) (map[gateway.Position]*gateway.Event, error) {
	found, _, err := s.EventsWithin(ctx, positions, 0)
	return found, err
}

// EventsWithin returns events at these positions with a total size of about maxBytes, and at least one if any exists (0: no
// bound). all means that no event was left out because of the bound: then the positions that are missing have no event.
func (s *Store) EventsWithin(
	ctx context.Context, positions []gateway.Position, maxBytes int,
) (found map[gateway.Position]*gateway.Event, all bool, err error) {
	found = make(map[gateway.Position]*gateway.Event, len(positions))
	left := maxBytes
	for chunk := range slices.Chunk(positions, 500) {
		events, cut, err := s.events(ctx, left, selectEvents+`where e.position in (`+parameters(len(chunk))+`)`, anys(chunk)...)
		if err != nil {
			return nil, false, err
		}
		for _, e := range events {
			found[e.Position] = e
			left -= e.Size()
		}
		if cut || maxBytes > 0 && left <= 0 {
			return found, len(found) == len(positions), nil
		}
	}
	return found, true, nil
}

func parameters(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func anys[T ~int64](values []T) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = int64(v)
	}
	return list
}

// PositionBefore returns the last position that was accepted before t, 0 when there is none. Accept times never decrease, so
// a binary search by position finds it.
func (s *Store) PositionBefore(ctx context.Context, t time.Time) (gateway.Position, error) {
	limit := micros(t.Add(time.Microsecond - 1)) // accept times are whole microseconds
	low, high := int64(0), s.head.Load()
	query := s.db.bind(`select position, accept_time from event where position <= ? and position > ? order by position desc limit 1`)
	for low < high {
		middle := low + (high-low+1)/2
		var position, accepted int64
		err := s.db.reader.QueryRowContext(ctx, query, middle, low).Scan(&position, &accepted)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			low = middle
		case err != nil:
			return 0, fmt.Errorf("find position by time: %w", err)
		case accepted < limit:
			low = middle
		default:
			high = position - 1
		}
	}
	return gateway.Position(low), nil
}
