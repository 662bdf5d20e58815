package filter

import (
	"context"
	"runtime"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

// turns limits costly work, so that processors remain for everything else: half of them for all tenants together, and one
// turn per tenant. An evaluation takes a turn when it turns out to be costly; callers that must not wait never evaluate that
// far (Expression.Quick). A check, which compiles, takes one for each type. Checks have their own turns within the half, so
// that callers of a tenant do not delay its subscriptions.
type turns struct {
	all chan struct{}

	mu      sync.Mutex
	tenants map[gateway.TenantID]*tenantTurn
}

type tenantTurn struct {
	one   chan struct{}
	users int
}

// half is the turns of all tenants together.
func half() chan struct{} { return make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)) }

func newTurns(all chan struct{}) *turns {
	return &turns{all: all, tenants: map[gateway.TenantID]*tenantTurn{}}
}

// take waits for a turn until ctx ends. Call the returned function to return the turn.
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
