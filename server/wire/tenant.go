package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Tenant converts a tenant.
func Tenant(tenant *gateway.Tenant) *postriderv1.Tenant {
	return &postriderv1.Tenant{
		Name: tenant.Name, DisplayName: tenant.DisplayName, TypedOnly: tenant.TypedOnly, Revision: tenant.Revision,
		CreateTime: timestamp(tenant.CreateTime), UpdateTime: timestamp(tenant.UpdateTime),
	}
}

// NewTenantUpdate converts an update of a tenant to the change that it makes: the fields in the mask, or the fields that are
// set if there is no mask.
func NewTenantUpdate(request *postriderv1.UpdateTenantRequest) (func(*gateway.Tenant) error, error) {
	from := request.GetTenant()
	if from.GetName() == "" {
		return nil, gateway.FieldError("tenant.name", "is required")
	}
	displayName, typedOnly := from.GetDisplayName() != "", from.GetTypedOnly()
	if request.UpdateMask != nil {
		named, err := namedFields(request.UpdateMask, "display_name", "typed_only")
		if err != nil {
			return nil, err
		}
		displayName, typedOnly = named["display_name"], named["typed_only"]
	}
	return func(to *gateway.Tenant) error {
		if displayName {
			to.DisplayName = from.GetDisplayName()
		}
		if typedOnly {
			to.TypedOnly = from.GetTypedOnly()
		}
		return nil
	}, nil
}

// timestamp converts a time; the zero time is absent.
func timestamp(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}
