package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Tenant shows a tenant.
func Tenant(tenant *gateway.Tenant) *postriderv1.Tenant {
	return &postriderv1.Tenant{
		Name: tenant.Name, DisplayName: tenant.DisplayName, Revision: tenant.Revision,
		CreateTime: timestamp(tenant.CreateTime), UpdateTime: timestamp(tenant.UpdateTime),
	}
}

// timestamp shows a time; the zero time is absent.
func timestamp(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}
