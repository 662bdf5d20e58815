package publish

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// shareUnits bounds what a tenant may have in the writer's queue, in units: one for each event, and one for every 4 KiB of
// events. It allows two batches of 1,000 events, so that the next batch is queued when a commit has finished, and a single
// tenant is not slowed down.
//
// All other tenants wait behind that queue. Without the bound, a hundred WebSockets that published as fast as they could had
// 25,600 events in the queue, and every other tenant waited for seconds.
const (
	shareUnits = 2560
	unitBytes  = 4 << 10
)

// shares holds the units that tenants have in the writer's queue. A tenant without units is removed.
type shares struct {
	mu sync.Mutex
	of map[gateway.TenantID]*share
}

type share struct {
	units *semaphore.Weighted
	// users is guarded by shares.mu.
	users int
}

// take waits until there is room for a tenant's events, and returns a function that releases it.
func (s *shares) take(ctx context.Context, events []store.NewEvent) (give func(), err error) {
	tenant, units := events[0].Event.Tenant, unitsOf(events)
	one := s.enter(tenant)
	if err := one.units.Acquire(ctx, units); err != nil {
		s.leave(tenant, one)
		return nil, err
	}
	return func() {
		one.units.Release(units)
		s.leave(tenant, one)
	}, nil
}

func unitsOf(events []store.NewEvent) int64 {
	bytes := 0
	for i := range events {
		bytes += events[i].Event.Size()
	}
	return min(int64(len(events)+bytes/unitBytes), shareUnits)
}

func (s *shares) enter(tenant gateway.TenantID) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.of[tenant]
	if one == nil {
		one = &share{units: semaphore.NewWeighted(shareUnits)}
		s.of[tenant] = one
	}
	one.users++
	return one
}

func (s *shares) leave(tenant gateway.TenantID, one *share) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(s.of, tenant)
	}
}

// store appends events as soon as their tenant has room in the writer's queue.
func (p *Publisher) store(ctx context.Context, revision int64, events []store.NewEvent) ([]store.Appended, error) {
	give, err := p.shares.take(ctx, events)
	if err != nil {
		return nil, err
	}
	defer give()
	return p.log.Append(ctx, revision, events)
}
