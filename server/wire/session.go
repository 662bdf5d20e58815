package wire

import (
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Session converts a caller. tenant is the name of the caller's tenant, empty for none; version is the server's.
func Session(caller gateway.Principal, tenant, version string) *postriderv1.Session {
	return &postriderv1.Session{
		KeyName: caller.KeyName, Tenant: tenant, Scopes: Scopes(caller.Scopes),
		ExpireTime: timestamp(caller.SessionEnd), ServerVersion: version,
	}
}
