package store

import (
	"context"
	"fmt"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/attempt"
	"github.com/postrider-dev/postrider/ent/delivery"
	"github.com/postrider-dev/postrider/ent/requestform"
	"github.com/postrider-dev/postrider/ent/subscriptionrevision"
	"github.com/postrider-dev/postrider/server/gateway"
)

// deleteStep is the number of deliveries that one transaction removes. Between the steps publishing goes on.
const deleteStep = 500

// DeleteSubscription removes a subscription at once, and then its deliveries step by step.
func (s *Store) DeleteSubscription(ctx context.Context, id gateway.SubscriptionID, expected int64) error {
	err := s.onWriter(ctx, func(ctx context.Context, w *writer, tx *ent.Tx) error {
		row, err := tx.Subscription.Get(ctx, int64(id))
		if ent.IsNotFound(err) {
			return gateway.Gone("subscription")
		}
		if err != nil {
			return fmt.Errorf("read subscription: %w", err)
		}
		if err := expectRevision("subscription", expected, row.Revision); err != nil {
			return err
		}
		if err := tx.Subscription.DeleteOne(row).Exec(ctx); err != nil {
			return fmt.Errorf("delete subscription: %w", err)
		}
		onCommit(tx, func() {
			w.removed[id] = true
			delete(w.forms.last, id)
		})
		if _, err := tx.RequestForm.Delete().Where(requestform.SubscriptionID(int64(id))).Exec(ctx); err != nil {
			return fmt.Errorf("delete request forms: %w", err)
		}
		_, err = tx.SubscriptionRevision.Delete().Where(subscriptionrevision.SubscriptionID(int64(id))).Exec(ctx)
		return err
	})
	if err != nil {
		return err
	}
	// The subscription is deleted, so its rows are removed even when the caller no longer waits.
	return s.deleteDeliveries(context.WithoutCancel(ctx), id)
}

func (s *Store) deleteDeliveries(ctx context.Context, id gateway.SubscriptionID) error {
	for removed := 1; removed > 0; {
		err := s.change(ctx, func(ctx context.Context, tx *ent.Tx) (err error) {
			if removed, err = deleteStepOf(ctx, tx, id); err != nil {
				return fmt.Errorf("delete deliveries: %w", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removeOrphans removes some orphaned rows, when the writer has nothing else to do. done is false when there are none.
func (w *writer) removeOrphans(ctx context.Context) (done bool) {
	if len(w.orphans) == 0 {
		return false
	}
	removed := 0
	err := w.inTransaction(ctx, func(ctx context.Context, tx *ent.Tx) (err error) {
		removed, err = deleteStepOf(ctx, tx, w.orphans[0])
		return err
	})
	if err != nil {
		w.cfg.Logger.Warn("remove deliveries of a deleted subscription", "error", err)
	}
	if removed == 0 {
		w.orphans = w.orphans[1:]
	}
	return true
}

// deleteStepOf removes some deliveries of a subscription, or some attempts when there are no deliveries left.
func deleteStepOf(ctx context.Context, tx *ent.Tx, id gateway.SubscriptionID) (removed int, err error) {
	ids, err := tx.Delivery.Query().Where(delivery.SubscriptionID(int64(id))).Limit(deleteStep).IDs(ctx)
	if err != nil {
		return 0, err
	}
	if len(ids) > 0 {
		return tx.Delivery.Delete().Where(delivery.IDIn(ids...)).Exec(ctx)
	}
	if ids, err = tx.Attempt.Query().Where(attempt.SubscriptionID(int64(id))).Limit(deleteStep).IDs(ctx); err != nil || len(ids) == 0 {
		return 0, err
	}
	return tx.Attempt.Delete().Where(attempt.IDIn(ids...)).Exec(ctx)
}
