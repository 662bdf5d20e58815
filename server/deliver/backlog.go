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
	lanes := e.all()
	head, err := e.countUnread(ctx, lanes)
	if err != nil {
		return nil, err
	}
	for _, l := range lanes {
		waiting, err := l.waiting(ctx, head)
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

// maxCountedTogether is the number of positions up to which events are counted by type for all lanes at once. More are counted for each
// lane through the index, which stops at gateway.BacklogLimit.
const maxCountedTogether = gateway.BacklogLimit

// stretch is a part of a tenant's log that several lanes have not counted yet.
type stretch struct {
	tenant gateway.TenantID
	span
}

// countUnread counts what was committed since the last counts of the lanes, and returns the head up to which it did. Lanes that were
// counted together share one read, so that a list of a thousand subscriptions does not make a thousand reads.
func (e *Engine) countUnread(ctx context.Context, lanes []*lane) (gateway.Position, error) {
	head := e.store.Head()
	counts := map[stretch]map[string]int{}
	together := e.countedTogether(lanes, head)
	for _, l := range lanes {
		_, unread, sub := l.inMemory()
		part, ok := l.counted.since(unread, sub.Revision, head)
		if !ok {
			continue
		}
		s := stretch{l.tenant, part}
		if together[s] < 2 {
			continue
		}
		if counts[s] == nil {
			types, err := e.store.CountByType(ctx, l.tenant, part.from, part.to)
			if err != nil {
				return 0, err
			}
			counts[s] = types
		}
		events := 0
		for name, n := range counts[s] {
			if sub.Filter.Match(name) {
				events += n
			}
		}
		l.counted.add(unread, sub.Revision, part, events)
	}
	return head, nil
}

// countedTogether returns the number of lanes for each stretch. A single lane is counted through the index of its types: the stretch has
// the events of all tenants.
func (e *Engine) countedTogether(lanes []*lane, head gateway.Position) map[stretch]int {
	together := map[stretch]int{}
	for _, l := range lanes {
		_, unread, sub := l.inMemory()
		if part, ok := l.counted.since(unread, sub.Revision, head); ok {
			together[stretch{l.tenant, part}]++
		}
	}
	return together
}

// since returns the part of unread, up to head, that an earlier count does not cover. It is not ok if there is none, or if the part is
// better counted alone.
func (c *backlogCount) since(unread span, revision int64, head gateway.Position) (part span, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	part = span{c.to, min(unread.to, head)}
	return part, c.follows(unread, revision) && c.events <= gateway.BacklogLimit &&
		part.from < part.to && part.to-part.from <= maxCountedTogether
}

// add extends the count by a part, unless another call has been faster.
func (c *backlogCount) add(unread span, revision int64, part span, events int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.follows(unread, revision) && c.to == part.from {
		c.events += int64(events)
		c.to = part.to
	}
}

// follows reports whether the count is one of unread.
func (c *backlogCount) follows(unread span, revision int64) bool {
	return c.from == unread.from && c.revision == revision
}

// waiting counts the events up to head that wait for their first outcome. Above gateway.BacklogLimit it also counts events that the
// filter does not select. The backlog of a lane that reads by itself counts the events that its patterns select: evaluating its
// expression would cost as much as reading them.
func (l *lane) waiting(ctx context.Context, head gateway.Position) (int64, error) {
	held, unread, sub := l.inMemory()
	if unread.to <= unread.from {
		return held, nil
	}
	c := &l.counted
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.follows(unread, sub.Revision) {
		c.span, c.revision, c.events = span{unread.from, unread.from}, sub.Revision, 0
	}
	if to := min(unread.to, head); c.events <= gateway.BacklogLimit && c.to < to {
		n, err := l.engine.store.CountMatching(ctx, l.tenant, sub.Filter, c.to, to, gateway.BacklogLimit+1)
		if err != nil {
			return 0, err
		}
		c.events += int64(n)
		c.to = to
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
