package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/postrider-dev/postrider/server/gateway"
)

// countOfEvent counts the deliveries at one position.
const countOfEvent = `select position, state, count(*) from
	(select position, state from delivery where tenant_id = ? and position = ? limit ?) counted group by position, state`

// countDeliveries fills in the counts at each position, with one statement.
func (s *Store) countDeliveries(ctx context.Context, tenant gateway.TenantID, at map[gateway.Position]*EventDeliveries) error {
	if len(at) == 0 {
		return nil
	}
	var args []any
	for position := range at {
		args = append(args, int64(tenant), int64(position), MaxCountedDeliveries+1)
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
