package schema_test

import (
	"sync"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/schematest"
)

const shopFile = "../../gen/descriptors/shop.v1.binpb"

func TestLoadReplacesTheSnapshot(t *testing.T) {
	t.Parallel()
	one := schematest.EventTypes(t, shopFile)[0]
	version := func(id int, latest bool) schema.Stored {
		return schema.Stored{ID: 7, Type: one.Type, Message: one.Message, Files: one.Files, Version: id, Latest: latest}
	}
	registry := schema.NewRegistry()
	if registry.Snapshot().Type(one.Type) != nil {
		t.Error("a new registry has types")
	}
	registry.Load([]schema.Stored{version(1, true)}, 3)
	before := registry.Snapshot().Type(one.Type)
	registry.Load([]schema.Stored{version(1, false)}, 2)
	if registry.Snapshot().Revision() != 3 {
		t.Error("an older state replaced a newer one")
	}
	second := version(2, true)
	second.ID = 8
	registry.Load([]schema.Stored{version(1, false), second}, 4)
	now := registry.Snapshot()
	if now.Type(one.Type).Version() != 2 || now.Version(7) != before || now.Revision() != 4 {
		t.Errorf("%+v", now)
	}
	if _, err := registry.Version(99); err == nil {
		t.Error("found a version that is not there")
	}
}

func TestTypesAreUsedFromManyGoroutines(t *testing.T) {
	t.Parallel()
	order := schematest.Type(t, shopFile, "shop.v1.OrderCreated")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			canonical, violations, err := order.FromJSON([]byte(schematest.Order))
			if err != nil || len(violations) > 0 {
				t.Error(violations, err)
			}
			if _, err := order.Render(canonical); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestLevels(t *testing.T) {
	t.Parallel()
	registry := schema.NewRegistry()
	stored := schema.Stored{
		ID: 1, Type: "a", Version: 1, Latest: true, Level: gateway.LevelEnforce,
		TenantLevels: map[gateway.TenantID]gateway.Level{7: gateway.LevelWarn},
	}
	registry.Load([]schema.Stored{stored}, 1)
	first := registry.Snapshot()
	stored.Level, stored.TenantLevels = gateway.LevelOff, nil
	registry.Load([]schema.Stored{stored}, 2)
	second := registry.Snapshot()
	for _, test := range []struct {
		in     *schema.Snapshot
		tenant gateway.TenantID
		name   string
		want   gateway.Level
	}{
		{first, 1, "a", gateway.LevelEnforce},
		{first, 7, "a", gateway.LevelWarn},
		{second, 7, "a", gateway.LevelOff},
		{second, 1, "other", gateway.LevelOff},
	} {
		if got := test.in.Level(test.tenant, test.name); got != test.want {
			t.Errorf("tenant %d, type %s: %v, want %v", test.tenant, test.name, got, test.want)
		}
	}
	if first.Type("a") != second.Type("a") {
		t.Error("a change of the level compiled the version anew")
	}
}
