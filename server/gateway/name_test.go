package gateway_test

import (
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestNamesThatCouldBeTakenForOthers(t *testing.T) {
	id := "sub_" + strings.Repeat("7k", 10)
	for name, good := range map[string]bool{
		"billing": true, "Billing 2": true, "a": true, "sub_7k": true, "sub_orders": true, id + "x": true, "": true,
		"billing ": false, "billing  2": false, id: false, "key" + id[3:]: false,
	} {
		err := gateway.CheckName("api_key.name", name)
		if (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "api_key.name") {
			t.Errorf("%q: %v names no field", name, err)
		}
	}
}
