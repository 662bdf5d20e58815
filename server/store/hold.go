package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/postrider-dev/postrider/server/gateway"
)

// holdFrom parses a stored hold; null means no hold.
func holdFrom(column *[]byte) (h gateway.Hold, err error) {
	if len(value(column)) > 0 {
		err = json.Unmarshal(*column, &h)
	}
	return h, err
}

func holdColumn(h gateway.Hold) (any, error) {
	if h.Kind == gateway.HoldNone {
		return nil, nil
	}
	h.Reason = cleanText(h.Reason)
	return json.Marshal(h)
}

// setHolds writes the holds of a group; of each subscription only the last one.
func (w *writer) setHolds(ctx context.Context, tx *sql.Tx, results []Result) error {
	var holds map[gateway.SubscriptionID]gateway.Hold
	for i := range results {
		if h := results[i].Hold; h != nil {
			if holds == nil {
				holds = map[gateway.SubscriptionID]gateway.Hold{}
			}
			holds[results[i].Subscription] = *h
		}
	}
	for id, hold := range holds {
		column, err := holdColumn(hold)
		if err != nil {
			return fmt.Errorf("write hold: %w", err)
		}
		if _, err := tx.StmtContext(ctx, w.statements.setHold).ExecContext(ctx, column, int64(id)); err != nil {
			return fmt.Errorf("store hold: %w", err)
		}
	}
	return nil
}
