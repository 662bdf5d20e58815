package store

import (
	"context"
	"fmt"
	"slices"

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
	if err := s.countDeliveries(ctx, tenant, found); err != nil {
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
