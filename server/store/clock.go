package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Due times are stored by the wall clock. A delivery with a store time in the future was stored by a clock that was ahead. Its due
// time is meaningless then, but the length of its wait is not.

// storedAhead selects the waiting deliveries of a subscription that were stored ahead of a time. What is due is in the
// index, so only rows that wait are read.
const storedAhead = `from delivery where subscription_id = ? and state in (1, 2) and state in (1, 2, 4, 5)
	and due_time > ? and update_time > ?`

const waitAnew = `update delivery set due_time = ? + due_time - update_time, update_time = ?
	where id in (select id ` + storedAhead + `)`

// StoredAhead reports whether deliveries of a subscription wait that were stored ahead of a time.
func (s *Store) StoredAhead(ctx context.Context, sub gateway.SubscriptionID, now time.Time) (ahead bool, err error) {
	err = s.db.reader.QueryRowContext(ctx, s.db.bind(`select exists(select 1 `+storedAhead+`)`),
		int64(sub), micros(now), micros(now)).Scan(&ahead)
	if err != nil {
		return false, fmt.Errorf("look for deliveries that were stored ahead: %w", err)
	}
	return ahead, nil
}

// waitAnew restarts the waits of rows that were stored ahead of a time: they wait from then, for as long as intended.
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
