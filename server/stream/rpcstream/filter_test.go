package rpcstream_test

import (
	"errors"
	"fmt"
	"testing"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream/rpcstream"
)

type named = postriderv1.NamedFilter

func TestFiltersOfARequest(t *testing.T) {
	t.Parallel()
	many := make([]*named, 33)
	for i := range many {
		many[i] = &named{Name: fmt.Sprint("f", i)}
	}
	for name, tt := range map[string]struct {
		request *postriderv1.SubscribeRequest
		want    string // the filters, or the field at fault
	}{
		"none":       {&postriderv1.SubscribeRequest{}, "[{ {[] }}]"},
		"one":        {&postriderv1.SubscribeRequest{Types: []string{"a.*"}, Expression: "true"}, "[{ {[a.*] true}}]"},
		"several":    {&postriderv1.SubscribeRequest{Filters: []*named{{Name: "x"}, {Name: "y", Types: []string{"a"}, Expression: " "}}}, "[{x {[] }} {y {[a] }}]"},
		"a type":     {&postriderv1.SubscribeRequest{Types: []string{"a", "b c"}}, "types[1]"},
		"with types": {&postriderv1.SubscribeRequest{Types: []string{"a"}, Filters: []*named{{Name: "x"}}}, "types"},
		"with an expression": {
			&postriderv1.SubscribeRequest{Expression: "true", Filters: []*named{{Name: "x"}}}, "expression",
		},
		"a type of a filter": {&postriderv1.SubscribeRequest{Filters: []*named{{Name: "x"}, {Name: "y", Types: []string{"a", "b c"}}}}, "filters[1].types[1]"},
		"without a name":     {&postriderv1.SubscribeRequest{Filters: []*named{{Name: "x"}, {}}}, "filters[1].name"},
		"a name in quotes":   {&postriderv1.SubscribeRequest{Filters: []*named{{Name: `"x"`}}}, "filters[0].name"},
		"a name twice":       {&postriderv1.SubscribeRequest{Filters: []*named{{Name: "x"}, {Name: "y"}, {Name: "x"}}}, "filters[2].name"},
		"too many":           {&postriderv1.SubscribeRequest{Filters: many}, "filters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := rpcstream.NewRequest(&gateway.Tenant{}, tt.request)
			got := fmt.Sprint(request.Filters)
			var fault *gateway.Error
			if errors.As(err, &fault) {
				got = fault.Fields[0].Field
			}
			if got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
}
