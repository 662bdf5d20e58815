package access

import (
	"context"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Tenant returns the tenant that a request of the caller names, or the caller's own if it names none. For a caller that is
// confined to one tenant, all others do not exist.
func (a *Control) Tenant(ctx context.Context, c Caller, name string) (*gateway.Tenant, error) {
	if c.ServerScoped() {
		if name == "" {
			name = gateway.DefaultTenant
		}
		return a.config.Store.TenantByName(ctx, name)
	}
	own, err := a.config.Store.Tenant(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	if name != "" && name != own.Name {
		return nil, gateway.NotFound("tenant", name)
	}
	return own, nil
}

// TenantName returns a tenant's name, the empty one for none.
func (a *Control) TenantName(ctx context.Context, id gateway.TenantID) (string, error) {
	if id == 0 {
		return "", nil
	}
	tenant, err := a.config.Store.Tenant(ctx, id)
	if err != nil {
		return "", err
	}
	return tenant.Name, nil
}
