package gateway_test

import (
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestScopes(t *testing.T) {
	for _, c := range []struct {
		has, wants gateway.Scope
		want       bool
	}{
		{gateway.ScopeAdmin, gateway.ScopePublish, true},
		{gateway.ScopeAdmin, gateway.ScopeAdmin, true},
		{gateway.ScopePublish, gateway.ScopePublish, true},
		{gateway.ScopePublish, gateway.ScopeConsume, false},
		{gateway.ScopePublish | gateway.ScopeConsume, gateway.ScopeConsume, true},
		{gateway.ScopePublish | gateway.ScopeConsume, gateway.ScopeAdmin, false},
		{0, gateway.ScopePublish, false},
	} {
		if got := c.has.Has(c.wants); got != c.want {
			t.Errorf("%b allows %b: %v", c.has, c.wants, got)
		}
	}
	if (gateway.Principal{Tenant: 1}).ServerScoped() || !(gateway.Principal{}).ServerScoped() {
		t.Error("server-scoped")
	}
}
