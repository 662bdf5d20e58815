package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Due times are wall-clock times. A delivery whose update time is in the future was stored while the clock was ahead. Its
// due time means nothing then, but the length of its wait (due time minus update time) is still right.

// storedAhead selects the waiting deliveries of a subscription that were stored while the clock was ahead of the given time.
// The due time is part of the index, so the query reads only rows that are not due.
const storedAhead = `from delivery where subscription_id = ? and state in (1, 2) and state in (1, 2, 4, 5)
	and due_time > ? and update_time > ?`

const waitAnew = `update delivery set due_time = ? + due_time - update_time, update_time = ?
	where id in (select id ` + storedAhead + `)`

// StoredAhead reports whether a subscription has waiting deliveries that were stored while the clock was ahead of now.
func (s *Store) StoredAhead(ctx context.Context, sub gateway.SubscriptionID, now time.Time) (ahead bool, err error) {
	err = s.db.reader.QueryRowContext(ctx, s.db.bind(`select exists(select 1 `+storedAhead+`)`),
		int64(sub), micros(now), micros(now)).Scan(&ahead)
	if err != nil {
		return false, fmt.Errorf("look for deliveries that were stored ahead: %w", err)
	}
	return ahead, nil
}

// waitAnew restarts the waits of deliveries that were stored while the clock was ahead. Each waits its full length again,
// from ClockSet on.
func (w *writer) waitAnew(ctx context.Context, tx *sql.Tx, results []Result) error {
	for i := range results {
		r := &results[i]
		if r.ClockSet.IsZero() {
			continue
		}
		now := micros(r.ClockSet)
		if _, err := tx.StmtContext(ctx, w.statements.waitAnew).ExecContext(ctx, now, now, int64(r.Subscription), now, now); err != nil {
			return fmt.Errorf("let deliveries wait anew: %w", err)
		}
	}
	return nil
}
