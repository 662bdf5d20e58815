package wire_test

import (
	"testing"

	"github.com/postrider-dev/postrider/server/wire"
)

func TestSchemaPath(t *testing.T) {
	t.Parallel()
	if path := wire.SchemaPath("shop.v1.OrderCreated", 12); path != "/v1/schemas/shop.v1.OrderCreated/12.json" {
		t.Errorf("path %s", path)
	}
	name, version, ok := wire.ParseSchemaPath("/v1/schemas/shop.v1.OrderCreated/12.json")
	if !ok || name != "shop.v1.OrderCreated" || version != 12 {
		t.Errorf("read as %s, %d, %v", name, version, ok)
	}
	for _, path := range []string{
		"", "/v1/schemas/", "/v1/schemas/a", "/v1/schemas/a/1", "/v1/schemas/a/1.yaml", "/v1/schemas/a/0.json", "/v1/schemas/a/-1.json",
		"/v1/schemas/a/01.json", "/v1/schemas/a/+1.json", "/v1/schemas/a/1/1.json", "/v1/schemas/a/99999999999.json", "/v2/schemas/a/1.json",
	} {
		if name, version, ok := wire.ParseSchemaPath(path); ok {
			t.Errorf("%s is read as %s, %d", path, name, version)
		}
	}
}
