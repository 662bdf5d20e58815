package access

import (
	"slices"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Permission is what a caller may do, as the contract names it: the permission of (postrider.v1.access).
type Permission string

// The permissions that scopes other than admin include.
const (
	EventsPublish     Permission = "events.publish"
	EventsRead        Permission = "events.read"
	EventTypesRead    Permission = "event_types.read"
	SubscriptionsRead Permission = "subscriptions.read"
	DeliveriesRead    Permission = "deliveries.read"
	StatsRead         Permission = "stats.read"
	TenantsRead       Permission = "tenants.read"
	SessionsRead      Permission = "sessions.read"
)

// grants are the permissions of a key's scopes. Admin has all there are.
var grants = []struct {
	scope       gateway.Scope
	name        string
	permissions []Permission
}{
	{gateway.ScopePublish, "publish", []Permission{EventsPublish, EventTypesRead, TenantsRead, SessionsRead}},
	{gateway.ScopeConsume, "consume", []Permission{
		EventsRead, SubscriptionsRead, DeliveriesRead, StatsRead, EventTypesRead, TenantsRead, SessionsRead,
	}},
}

// Require returns nil if the caller has a permission.
func Require(caller gateway.Principal, needed Permission) error {
	lacking := "admin"
	for _, grant := range grants {
		if !slices.Contains(grant.permissions, needed) {
			continue
		}
		if caller.Scopes.Has(grant.scope) {
			return nil
		}
		lacking = grant.name
	}
	if caller.Scopes.Has(gateway.ScopeAdmin) {
		return nil
	}
	return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope, "this needs a key with scope %s", lacking)
}
