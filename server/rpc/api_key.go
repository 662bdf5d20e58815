package rpc

import (
	"context"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// apiKeyService manages API keys. A caller that is confined to a tenant manages the keys of that tenant.
type apiKeyService struct{ tenants }

func (s *apiKeyService) CreateApiKey(
	ctx context.Context, request *connect.Request[postriderv1.CreateApiKeyRequest],
) (*connect.Response[postriderv1.CreateApiKeyResponse], error) {
	key, err := wire.NewAPIKey(request.Msg.GetApiKey())
	if err != nil {
		return nil, err
	}
	scope, err := s.confine(ctx, request.Msg.GetApiKey().GetTenant())
	if err != nil {
		return nil, err
	}
	if scope != nil {
		key.Tenant = scope.ID
	}
	secret := access.NewKey()
	key.Hash, key.Hint = access.HashKey(secret), access.Hint(secret)
	stored, err := s.store.CreateAPIKey(ctx, key)
	if err != nil {
		return nil, err
	}
	shown, err := s.show(ctx, stored)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.CreateApiKeyResponse{ApiKey: shown, Secret: secret}), nil
}

func (s *apiKeyService) ListApiKeys(
	ctx context.Context, request *connect.Request[postriderv1.ListApiKeysRequest],
) (*connect.Response[postriderv1.ListApiKeysResponse], error) {
	scope, err := s.confine(ctx, request.Msg.GetTenant())
	if err != nil {
		return nil, err
	}
	var tenant *gateway.TenantID
	name := ""
	if scope != nil {
		tenant, name = &scope.ID, scope.Name
	}
	place, _, err := wire.PagePlace(request.Msg, name)
	if err != nil {
		return nil, err
	}
	size := wire.PageSize(request.Msg)
	keys, err := s.store.ListAPIKeys(ctx, tenant, place.ID, size+1)
	if err != nil {
		return nil, err
	}
	response := &postriderv1.ListApiKeysResponse{}
	if len(keys) > size {
		keys = keys[:size]
		response.NextPageToken = wire.NextPageToken(request.Msg, name, wire.Place{ID: keys[size-1].ID})
	}
	for _, key := range keys {
		shown, err := s.show(ctx, key)
		if err != nil {
			return nil, err
		}
		response.ApiKeys = append(response.ApiKeys, shown)
	}
	return connect.NewResponse(response), nil
}

func (s *apiKeyService) RevokeApiKey(
	ctx context.Context, request *connect.Request[postriderv1.RevokeApiKeyRequest],
) (*connect.Response[postriderv1.RevokeApiKeyResponse], error) {
	id := request.Msg.GetId()
	key, err := s.store.APIKeyByUID(ctx, id)
	if err != nil {
		return nil, err
	}
	if c := access.Of(ctx); !c.ServerScoped() && key.Tenant != c.Tenant {
		return nil, gateway.NotFound("key", id)
	}
	if key.RevokeTime.IsZero() {
		if key, err = s.store.RevokeAPIKey(ctx, id); err != nil {
			return nil, err
		}
	}
	shown, err := s.show(ctx, key)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.RevokeApiKeyResponse{ApiKey: shown}), nil
}

// confine returns the tenant in which keys are created or listed: the one named, or the caller's own; nil for the whole
// server.
func (s *apiKeyService) confine(ctx context.Context, name string) (*gateway.Tenant, error) {
	if name == "" && access.Of(ctx).ServerScoped() {
		return nil, nil
	}
	return s.resolve(ctx, name)
}

func (s *apiKeyService) show(ctx context.Context, key *gateway.APIKey) (*postriderv1.ApiKey, error) {
	tenant, err := s.nameOf(ctx, key.Tenant)
	if err != nil {
		return nil, err
	}
	return wire.APIKey(key, tenant), nil
}
