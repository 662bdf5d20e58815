package rpcstream

import (
	"fmt"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// newFilters returns the filters of a request: several with names, or a single one without. Its errors name the fields.
func newFilters(from *postriderv1.SubscribeRequest) ([]stream.Filter, error) {
	if len(from.GetFilters()) > 0 {
		return namedFilters(from)
	}
	only, err := wire.NewFilter("types", from.GetTypes())
	if err != nil {
		return nil, err
	}
	if only.Expression, err = wire.NewExpression("expression", from.GetExpression()); err != nil {
		return nil, err
	}
	return []stream.Filter{{Filter: only}}, nil
}

func namedFilters(from *postriderv1.SubscribeRequest) ([]stream.Filter, error) {
	if len(from.GetTypes()) > 0 {
		return nil, gateway.FieldError("types", "cannot be combined with filters")
	}
	if from.GetExpression() != "" {
		return nil, gateway.FieldError("expression", "cannot be combined with filters")
	}
	if len(from.GetFilters()) > stream.MaxFilters {
		return nil, gateway.FieldError("filters", "may be %d", stream.MaxFilters)
	}
	filters := make([]stream.Filter, len(from.GetFilters()))
	taken := map[string]int{}
	for i, one := range from.GetFilters() {
		field := fmt.Sprintf("filters[%d]", i)
		if !wire.ValidFilterName(one.GetName()) {
			return nil, gateway.FieldError(field+".name", "must have 1 to 64 letters, digits or characters of _ . : -")
		}
		if first, ok := taken[one.GetName()]; ok {
			return nil, gateway.FieldError(field+".name", "%q is the name of filters[%d]", one.GetName(), first)
		}
		taken[one.GetName()] = i
		read, err := wire.ReadFilter(field, &postriderv1.Filter{Types: one.GetTypes(), Expression: one.GetExpression()})
		if err != nil {
			return nil, err
		}
		filters[i] = stream.Filter{Name: one.GetName(), Filter: read}
	}
	return filters, nil
}
