package gateway_test

import (
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestLevelOfATenant(t *testing.T) {
	t.Parallel()
	kind := gateway.EventType{
		Level: gateway.LevelEnforce, TenantLevels: map[gateway.TenantID]gateway.Level{2: gateway.LevelOff, 3: gateway.LevelWarn},
	}
	for tenant, want := range map[gateway.TenantID]string{1: "enforce", 2: "off", 3: "warn"} {
		if got := kind.LevelOf(tenant).String(); got != want {
			t.Errorf("tenant %d: %s, want %s", tenant, got, want)
		}
	}
}
