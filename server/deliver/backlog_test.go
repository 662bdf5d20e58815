package deliver_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

func (w *world) backlog(sub *gateway.Subscription) gateway.SubscriptionBacklog {
	w.t.Helper()
	all, err := w.engine.Backlogs(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return all[tenant][sub.ID]
}

// TestBacklogs follows the backlog of a subscription: it is counted, then counted from the last count on, and empty after
// delivery.
func TestBacklogs(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribe("s", gateway.StartNow, gateway.Policy{}, "a")
		idle, _ := w.subscribe("idle", gateway.StartNow, gateway.Policy{}, "other")
		e.set(always(eventFailure))
		w.publish("a", "b")
		pass(time.Second)
		equal(t, "one failed", w.backlog(sub), gateway.SubscriptionBacklog{Retrying: 1})
		if _, err := w.engine.Pause(w.ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		w.publishN(3, "a")
		w.publishN(4, "b")
		equal(t, "three wait", w.backlog(sub), gateway.SubscriptionBacklog{Waiting: 3, Retrying: 1})
		w.publishN(2, "a")
		equal(t, "five wait", w.backlog(sub), gateway.SubscriptionBacklog{Waiting: 5, Retrying: 1})
		w.restart()
		equal(t, "after a restart", w.backlog(sub), gateway.SubscriptionBacklog{Waiting: 5, Retrying: 1})
		w.publishN(gateway.BacklogLimit, "a")
		equal(t, "too many to count", w.backlog(sub), gateway.SubscriptionBacklog{Waiting: 5 + 4 + gateway.BacklogLimit, Retrying: 1})
		e.set(always(delivered))
		if _, err := w.engine.Resume(w.ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		equal(t, "nothing waits", w.backlog(sub), gateway.SubscriptionBacklog{})
		equal(t, "nothing ever waited here", w.backlog(idle), gateway.SubscriptionBacklog{})
	})
}
