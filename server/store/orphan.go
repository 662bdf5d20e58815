package store

import (
	"context"

	"github.com/postrider-dev/postrider/server/gateway"
)

// loadOrphans finds orphaned rows: those of deleted subscriptions whose rows were still being removed when the server ended.
// It steps from one subscription to the next with the indexes.
func (w *writer) loadOrphans(ctx context.Context) error {
	for _, table := range []string{"delivery", "attempt"} {
		rows, err := w.db.reader.QueryContext(ctx, `with recursive owner(id) as (
			select min(subscription_id) from `+table+`
			union all
			select (select min(subscription_id) from `+table+` where subscription_id > owner.id) from owner where owner.id is not null
		) select id from owner where id is not null and not exists (select 1 from subscription s where s.id = owner.id)`)
		if err != nil {
			return err
		}
		for rows.Next() {
			var id gateway.SubscriptionID
			if err := rows.Scan(&id); err != nil {
				_ = rows.Close()
				return err
			}
			w.orphans = append(w.orphans, id)
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}
