package wire

import (
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

var scopes = []struct {
	domain gateway.Scope
	wire   postriderv1.ApiKeyScope
}{
	{gateway.ScopeAdmin, postriderv1.ApiKeyScope_API_KEY_SCOPE_ADMIN},
	{gateway.ScopePublish, postriderv1.ApiKeyScope_API_KEY_SCOPE_PUBLISH},
	{gateway.ScopeConsume, postriderv1.ApiKeyScope_API_KEY_SCOPE_CONSUME},
}

// NewScopes converts a list of scopes.
func NewScopes(list []postriderv1.ApiKeyScope) gateway.Scope {
	var set gateway.Scope
	for _, scope := range scopes {
		for _, one := range list {
			if one == scope.wire {
				set |= scope.domain
			}
		}
	}
	return set
}

// Scopes converts a set of scopes to the message.
func Scopes(set gateway.Scope) []postriderv1.ApiKeyScope {
	var list []postriderv1.ApiKeyScope
	for _, scope := range scopes {
		if set&scope.domain != 0 {
			list = append(list, scope.wire)
		}
	}
	return list
}

// NewAPIKey converts the key of a create request: its name and scopes. The caller looks up the tenant, which the message
// names. Fields that only the server sets are ignored. An error is a *gateway.Error that names the field.
func NewAPIKey(key *postriderv1.ApiKey) (*gateway.APIKey, error) {
	if err := gateway.CheckName("api_key.name", key.GetName()); err != nil {
		return nil, err
	}
	return &gateway.APIKey{Name: key.GetName(), Scopes: NewScopes(key.GetScopes())}, nil
}

// APIKey converts a key to its message. tenant is the name of its tenant, empty for a server-scoped key.
func APIKey(key *gateway.APIKey, tenant string) *postriderv1.ApiKey {
	return &postriderv1.ApiKey{
		Id: key.UID, Name: key.Name, Tenant: tenant, Scopes: Scopes(key.Scopes), Hint: key.Hint, Revision: key.Revision,
		CreateTime: timestamp(key.CreateTime), UpdateTime: timestamp(key.UpdateTime),
		RevokeTime: timestamp(key.RevokeTime),
	}
}
