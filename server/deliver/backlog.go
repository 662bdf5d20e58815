package deliver

import (
	"context"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

// backlogCount is the last count of the part of the log that a lane reads by itself, so that the next count covers new events
// only.
type backlogCount struct {
	mu sync.Mutex
	span
	revision int64
	events   int64
}

// Backlogs returns the backlog of each subscription that has one, by tenant. Lanes that read nothing by themselves are counted in
// memory.
func (e *Engine) Backlogs(ctx context.Context) (map[gateway.TenantID]map[gateway.SubscriptionID]gateway.SubscriptionBacklog, error) {
	if err := e.awaitReady(ctx); err != nil {
		return nil, err
	}
	retrying, err := e.store.RetryingDeliveries(ctx)
	if err != nil {
		return nil, err
	}
	backlogs := map[gateway.TenantID]map[gateway.SubscriptionID]gateway.SubscriptionBacklog{}
	for _, l := range e.all() {
		waiting, err := l.waiting(ctx)
		if err != nil {
			return nil, err
		}
		if waiting+retrying[l.id] == 0 {
			continue
		}
		if backlogs[l.tenant] == nil {
			backlogs[l.tenant] = map[gateway.SubscriptionID]gateway.SubscriptionBacklog{}
		}
		backlogs[l.tenant][l.id] = gateway.SubscriptionBacklog{Waiting: waiting, Retrying: retrying[l.id]}
	}
	return backlogs, nil
}

// waiting counts the events that wait for their first outcome. Above gateway.BacklogLimit it also counts events that the filter
// does not select. The backlog of a lane that reads by itself counts the events that its patterns select: evaluating its
// expression would cost as much as reading them.
func (l *lane) waiting(ctx context.Context) (int64, error) {
	held, unread, sub := l.inMemory()
	if unread.to <= unread.from {
		return held, nil
	}
	c := &l.counted
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from != unread.from || c.revision != sub.Revision || c.to > unread.to {
		c.span, c.revision, c.events = span{unread.from, unread.from}, sub.Revision, 0
	}
	if c.events <= gateway.BacklogLimit && c.to < unread.to {
		n, err := l.engine.store.CountMatching(ctx, l.tenant, sub.Filter, c.to, unread.to, gateway.BacklogLimit+1)
		if err != nil {
			return 0, err
		}
		c.events += int64(n)
		c.to = unread.to
	}
	if c.events > gateway.BacklogLimit {
		return held + int64(unread.to-unread.from), nil
	}
	return held + c.events, nil
}

func (l *lane) inMemory() (events int64, unread span, sub *gateway.Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events, unread = l.waitingLocked()
	return events, unread, l.sub
}

// waitingLocked returns how many events in memory wait for their first outcome, and the part of the log that the lane will
// read by itself.
func (l *lane) waitingLocked() (events int64, unread span) {
	events = int64(l.intake.queue.len()) + l.inFlight.waiting()
	if !l.intake.fed {
		unread = span{l.intake.scan, l.engine.store.Head()}
	}
	return events, unread
}
