package store_test

import (
	"context"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// Each update of a subscription used to leave a row for good.
func TestASubscriptionKeepsItsNewestRevisions(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, cfg store.Config) {
		w := serve(t, cfg)
		sub := w.subscribe()
		for range 120 {
			_, _, err := w.UpdateSubscription(context.Background(), sub.ID, 0, func(s *gateway.Subscription) error {
				s.Description += "."
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		db := raw(t, cfg)
		if n := count(t, db, "select count(*) from subscription_revision"); n != 100 {
			t.Errorf("%d revisions are kept", n)
		}
		if n := count(t, db, "select min(revision) from subscription_revision"); n != 22 {
			t.Errorf("the oldest that is kept is %d, want 22", n)
		}
	})
}
