package store

import (
	"context"
	"fmt"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/attempt"
	"github.com/postrider-dev/postrider/ent/predicate"
	"github.com/postrider-dev/postrider/server/gateway"
)

// MaxTestAttempts bounds the number of test attempts that are kept for a subscription.
const MaxTestAttempts = 20

// trimTestAttempts removes all test attempts except the ones that were stored last, regardless of their times.
func trimTestAttempts(ctx context.Context, tx *ent.Tx, sub gateway.SubscriptionID) error {
	tests := []predicate.Attempt{attempt.SubscriptionID(int64(sub)), attempt.PositionLT(0)}
	ids, err := tx.Attempt.Query().Where(tests...).Order(ent.Desc(attempt.FieldID)).Offset(MaxTestAttempts).Limit(deleteStep).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look for old test attempts: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	if _, err := tx.Attempt.Delete().Where(attempt.IDIn(ids...)).Exec(ctx); err != nil {
		return fmt.Errorf("remove old test attempts: %w", err)
	}
	return nil
}
