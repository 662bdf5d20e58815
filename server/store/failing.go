package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/postrider-dev/postrider/server/gateway"
)

// failingFrom parses a stored state of failures; null means none.
func failingFrom(column *[]byte) (f gateway.Failing, err error) {
	if len(value(column)) > 0 {
		err = json.Unmarshal(*column, &f)
	}
	return f, err
}

func failingColumn(f gateway.Failing) (any, error) {
	if f.Since.IsZero() {
		return nil, nil
	}
	f.Last.Error = cleanText(f.Last.Error)
	return json.Marshal(f)
}

// setFailing writes the states of failures of a group; of each subscription only the last one.
func (w *writer) setFailing(ctx context.Context, tx *sql.Tx, results []Result) error {
	var states map[gateway.SubscriptionID]gateway.Failing
	for i := range results {
		if f := results[i].Failing; f != nil {
			if states == nil {
				states = map[gateway.SubscriptionID]gateway.Failing{}
			}
			states[results[i].subscription()] = *f
		}
	}
	for id, state := range states {
		column, err := failingColumn(state)
		if err != nil {
			return fmt.Errorf("write failures: %w", err)
		}
		if _, err := tx.StmtContext(ctx, w.statements.setFailing).ExecContext(ctx, column, int64(id)); err != nil {
			return fmt.Errorf("store failures: %w", err)
		}
	}
	return nil
}
