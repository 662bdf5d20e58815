package deliver

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Health returns the current state of a subscription's deliveries. The error is not found if the subscription is deleted.
func (e *Engine) Health(ctx context.Context, sub *gateway.Subscription) (gateway.SubscriptionHealth, error) {
	all, err := e.Healths(ctx, []*gateway.Subscription{sub})
	if err != nil {
		return gateway.SubscriptionHealth{}, err
	}
	health, ok := all[sub.ID]
	if !ok {
		return health, gateway.Gone("subscription")
	}
	return health, nil
}

// Healths returns the health of each of the subscriptions that is not deleted.
func (e *Engine) Healths(ctx context.Context, subs []*gateway.Subscription) (map[gateway.SubscriptionID]gateway.SubscriptionHealth, error) {
	if err := e.awaitReady(ctx); err != nil {
		return nil, err
	}
	lanes := e.lanesOf(subs)
	ids := make([]gateway.SubscriptionID, len(lanes))
	for i, l := range lanes {
		ids[i] = l.id
	}
	counts, err := e.store.DeliveryCounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	head, err := e.countUnread(ctx, lanes)
	if err != nil {
		return nil, err
	}
	all := make(map[gateway.SubscriptionID]gateway.SubscriptionHealth, len(lanes))
	for _, l := range lanes {
		if err := l.recall(ctx); err != nil {
			return nil, err
		}
		health := l.health(time.Now())
		if health.Backlog, err = l.waiting(ctx, head); err != nil {
			return nil, err
		}
		health.Backlog = min(health.Backlog, gateway.BacklogLimit+1)
		health.Retrying, health.Dead = counts[l.id].Retrying, counts[l.id].Dead
		all[l.id] = health
	}
	return all, nil
}

func (e *Engine) lanesOf(subs []*gateway.Subscription) []*lane {
	e.mu.RLock()
	defer e.mu.RUnlock()
	lanes := make([]*lane, 0, len(subs))
	for _, sub := range subs {
		if l := e.lanes[sub.ID]; l != nil {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// span is a part of the log: after from, up to to.
type span struct{ from, to gateway.Position }

// health returns the state that is known in memory.
func (l *lane) health(now time.Time) (health gateway.SubscriptionHealth) {
	l.mu.Lock()
	defer l.mu.Unlock()
	health.Place = l.placeLocked()
	health.Breaker, health.ResumeTime = l.breaker.State()
	if l.held.SetAside() || !gateway.Over(l.held.Until, now) {
		health.Hold = l.held
	}
	health.FailingSince, health.LastFailure = l.failing.Since, l.failing.Last
	switch {
	case l.tally != nil:
		l.tally.show(&health, now)
	case l.earlierSuccess != nil:
		health.LastSuccessTime = *l.earlierSuccess
	}
	health.LastError = health.LastFailure.Error
	l.failures.show(&health)
	return health
}
