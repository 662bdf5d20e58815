package filter

import (
	"runtime"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

// turns are taken by evaluations that turn out to cost much, so that they leave the processors to everything else: half of
// them together, and of a tenant one at a time. Nobody who may not wait evaluates that far (Expression.Quick).
type turns struct {
	all chan struct{}

	mu      sync.Mutex
	tenants map[gateway.TenantID]*tenantTurn
}

type tenantTurn struct {
	one   chan struct{}
	users int
}

func newTurns() *turns {
	return &turns{all: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), tenants: map[gateway.TenantID]*tenantTurn{}}
}

// take waits for a turn. It must be given back with the function returned.
func (t *turns) take(tenant gateway.TenantID) (giveBack func()) {
	t.mu.Lock()
	own := t.tenants[tenant]
	if own == nil {
		own = &tenantTurn{one: make(chan struct{}, 1)}
		t.tenants[tenant] = own
	}
	own.users++
	t.mu.Unlock()
	own.one <- struct{}{}
	t.all <- struct{}{}
	return func() {
		<-t.all
		<-own.one
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(t.tenants, tenant)
		}
	}
}
