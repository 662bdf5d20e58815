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

// TestBacklogsCountedTogether counts subscriptions that are at different places and select different events: in one call, each
// has the backlog that it has alone.
func TestBacklogsCountedTogether(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.publishN(3, "a")
		var subs []*gateway.Subscription
		paused := func(name string, start gateway.StartKind, types ...string) {
			sub, _ := w.subscribe(name, start, gateway.Policy{}, types...)
			sub, err := w.engine.Pause(w.ctx, sub.ID)
			if err != nil {
				t.Fatal(err)
			}
			subs = append(subs, sub)
		}
		paused("only a", gateway.StartNow, "a")
		paused("a and b", gateway.StartNow, "a", "b")
		w.publishN(2, "b")
		w.backlog(subs[0])
		paused("below c", gateway.StartNow, "c.*")
		paused("all", gateway.StartNow)
		for _, want := range [][4]int64{{1, 4, 1, 3}, {2, 6, 2, 6}, {3, 8, 3, 9}} {
			w.publish("a", "b", "c.d")
			for i, sub := range subs {
				equal(t, sub.Name, w.backlog(sub).Waiting, want[i])
			}
		}
		_, _, err := w.engine.Update(w.ctx, subs[0].ID, 0, func(sub *gateway.Subscription) error {
			sub.Filter.Types = []string{"b"}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.publish("a", "b")
		equal(t, "a changed filter", w.backlog(subs[0]).Waiting, 3+2+1)
		w.publishN(gateway.BacklogLimit/2, "c.d")
		w.publishN(gateway.BacklogLimit/2+1, "d")
		equal(t, "more than are counted together", w.backlog(subs[2]).Waiting, 3+gateway.BacklogLimit/2)
	})
}
