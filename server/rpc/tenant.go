package rpc

import (
	"context"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/wire"
)

// tenants resolves the tenant of a request.
type tenants struct {
	store  *store.Store
	access *access.Control
}

func (a *API) tenants() tenants { return tenants{a.config.Store, a.config.Access} }

// resolve returns the tenant that a request names, or the caller's own if it names none. For a caller that is confined to one
// tenant, all others do not exist.
func (t tenants) resolve(ctx context.Context, name string) (*gateway.Tenant, error) {
	return t.access.Tenant(ctx, access.Of(ctx), name)
}

// nameOf returns a tenant's name, the empty one for none.
func (t tenants) nameOf(ctx context.Context, id gateway.TenantID) (string, error) {
	return t.access.TenantName(ctx, id)
}

// tenantService manages tenants.
type tenantService struct{ tenants }

func (s *tenantService) CreateTenant(
	ctx context.Context, request *connect.Request[postriderv1.CreateTenantRequest],
) (*connect.Response[postriderv1.CreateTenantResponse], error) {
	asked := request.Msg.GetTenant()
	tenant, err := s.store.CreateTenant(ctx, gateway.Tenant{
		Name: asked.GetName(), DisplayName: asked.GetDisplayName(), TypedOnly: asked.GetTypedOnly(),
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.CreateTenantResponse{Tenant: wire.Tenant(tenant)}), nil
}

func (s *tenantService) UpdateTenant(
	ctx context.Context, request *connect.Request[postriderv1.UpdateTenantRequest],
) (*connect.Response[postriderv1.UpdateTenantResponse], error) {
	change, err := wire.NewTenantUpdate(request.Msg)
	if err != nil {
		return nil, err
	}
	asked := request.Msg.GetTenant()
	tenant, err := s.resolve(ctx, asked.GetName())
	if err != nil {
		return nil, err
	}
	updated, err := s.store.UpdateTenant(ctx, tenant.ID, asked.GetRevision(), change)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.UpdateTenantResponse{Tenant: wire.Tenant(updated)}), nil
}

func (s *tenantService) ListTenants(
	ctx context.Context, request *connect.Request[postriderv1.ListTenantsRequest],
) (*connect.Response[postriderv1.ListTenantsResponse], error) {
	response := &postriderv1.ListTenantsResponse{}
	if c := access.Of(ctx); !c.ServerScoped() {
		own, err := s.store.Tenant(ctx, c.Tenant)
		if err != nil {
			return nil, err
		}
		response.Tenants = []*postriderv1.Tenant{wire.Tenant(own)}
		return connect.NewResponse(response), nil
	}
	place, _, err := wire.PagePlace(request.Msg, "")
	if err != nil {
		return nil, err
	}
	size := wire.PageSize(request.Msg)
	found, err := s.store.ListTenants(ctx, place.Name, size+1)
	if err != nil {
		return nil, err
	}
	if len(found) > size {
		found = found[:size]
		response.NextPageToken = wire.NextPageToken(request.Msg, "", wire.Place{Name: found[size-1].Name})
	}
	for _, tenant := range found {
		response.Tenants = append(response.Tenants, wire.Tenant(tenant))
	}
	return connect.NewResponse(response), nil
}
