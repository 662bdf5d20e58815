package filter

import (
	"context"
	"runtime"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

// turns are taken by what costs much, so that it leaves the processors to everything else: half of them together, and of a tenant
// one at a time. Evaluations take one when they turn out to cost much (nobody who may not wait evaluates that far:
// Expression.Quick), and checks, which compile, for each type. Checks have turns of their own within the half, so that a tenant's
// callers do not keep its subscriptions waiting.
type turns struct {
	all chan struct{}

	mu      sync.Mutex
	tenants map[gateway.TenantID]*tenantTurn
}

type tenantTurn struct {
	one   chan struct{}
	users int
}

// half is what all have together.
func half() chan struct{} { return make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)) }

func newTurns(all chan struct{}) *turns {
	return &turns{all: all, tenants: map[gateway.TenantID]*tenantTurn{}}
}

// take waits for a turn until ctx ends. It must be given back with the function returned.
func (t *turns) take(ctx context.Context, tenant gateway.TenantID) (giveBack func(), err error) {
	own := t.enter(tenant)
	if err := put(ctx, own.one); err != nil {
		t.leave(tenant)
		return nil, err
	}
	if err := put(ctx, t.all); err != nil {
		<-own.one
		t.leave(tenant)
		return nil, err
	}
	return func() {
		<-t.all
		<-own.one
		t.leave(tenant)
	}, nil
}

func put(ctx context.Context, to chan struct{}) error {
	select {
	case to <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *turns) enter(tenant gateway.TenantID) *tenantTurn {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.tenants[tenant]
	if own == nil {
		own = &tenantTurn{one: make(chan struct{}, 1)}
		t.tenants[tenant] = own
	}
	own.users++
	return own
}

func (t *turns) leave(tenant gateway.TenantID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.tenants[tenant]
	if own.users--; own.users == 0 {
		delete(t.tenants, tenant)
	}
}
