package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/postrider-dev/postrider/ent/eventidentity"
	"github.com/postrider-dev/postrider/server/gateway"
)

// MaxCountedDeliveries is the number of an event's deliveries up to which counts are complete. It bounds a read: an event has a
// delivery for each subscription that selects it, and the state is not in the index.
const MaxCountedDeliveries = 1000

// EventDeliveries is the number of deliveries of one event in each state.
type EventDeliveries struct {
	EventID string
	ByState map[gateway.DeliveryState]int
	// More means that the event has more than MaxCountedDeliveries. About that many are counted.
	More bool
}

// countOfEvent counts the deliveries at one position.
const countOfEvent = `select position, state, count(*) from
	(select position, state from delivery where position = ? limit ?) counted group by position, state`

// EventDeliveries counts the deliveries of a tenant's events, in the order of the ids. An event that does not exist is left
// out. The caller bounds the number of ids.
func (s *Store) EventDeliveries(ctx context.Context, tenant gateway.TenantID, ids []string) ([]EventDeliveries, error) {
	rows, err := s.read.EventIdentity.Query().
		Where(eventidentity.TenantID(int64(tenant)), eventidentity.EventIDIn(ids...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up event ids: %w", err)
	}
	found := make(map[gateway.Position]*EventDeliveries, len(rows))
	named := make(map[string]*EventDeliveries, len(rows))
	for _, row := range rows {
		counts := &EventDeliveries{EventID: row.EventID, ByState: map[gateway.DeliveryState]int{}}
		found[gateway.Position(row.ID)], named[row.EventID] = counts, counts
	}
	if err := s.countDeliveries(ctx, found); err != nil {
		return nil, err
	}
	var all []EventDeliveries
	for i, id := range ids {
		if counts := named[id]; counts != nil && !slices.Contains(ids[:i], id) {
			all = append(all, *counts)
		}
	}
	return all, nil
}

// countDeliveries fills in the counts at each position, with one statement.
func (s *Store) countDeliveries(ctx context.Context, at map[gateway.Position]*EventDeliveries) error {
	if len(at) == 0 {
		return nil
	}
	var args []any
	for position := range at {
		args = append(args, int64(position), MaxCountedDeliveries+1)
	}
	query := strings.TrimSuffix(strings.Repeat(countOfEvent+" union all ", len(at)), " union all ")
	rows, err := s.db.reader.QueryContext(ctx, s.db.bind(query), args...)
	if err != nil {
		return fmt.Errorf("count deliveries of events: %w", err)
	}
	defer func() { _ = rows.Close() }()
	totals := map[gateway.Position]int{}
	for rows.Next() {
		var position gateway.Position
		var state gateway.DeliveryState
		var count int
		if err := rows.Scan(&position, &state, &count); err != nil {
			return fmt.Errorf("count deliveries of events: %w", err)
		}
		totals[position] += count
		at[position].ByState[state] = count
		at[position].More = totals[position] > MaxCountedDeliveries
	}
	return rows.Err()
}
