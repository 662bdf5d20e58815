package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

var tenantCases = []testCase{
	{"a fresh store has the default tenant", testDefaultTenant},
	{"created, found, remembered", testCreateTenant},
	{"a list pages by name", testListTenants},
}

func testDefaultTenant(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	first := w.tenant()
	if first.ID == 0 || first.Revision != 1 {
		t.Errorf("default tenant %+v", first)
	}
	w.restart()
	equal(t, "default tenant", *w.tenant(), *first)
}

func testCreateTenant(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	created := must(w.CreateTenant(context.Background(), "acme", "Acme Ltd"))(t)
	for range 2 {
		equal(t, "tenant", *must(w.TenantByName(context.Background(), "acme"))(t), *created)
		equal(t, "tenant", *must(w.Tenant(context.Background(), created.ID))(t), *created)
		w.restart()
	}
	_, err := w.CreateTenant(context.Background(), "acme", "")
	failsWith(t, err, gateway.CodeAlreadyExists, gateway.ReasonNameTaken)
	_, err = w.TenantByName(context.Background(), "none")
	notFound(t, err)
	_, err = w.Tenant(context.Background(), 999)
	notFound(t, err)
}

func testListTenants(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	want := []string{gateway.DefaultTenant}
	for i := range 4 {
		name := fmt.Sprint("t", i)
		must(w.CreateTenant(context.Background(), name, ""))(t)
		want = append(want, name)
	}
	var got []string
	for after := ""; ; {
		page := must(w.ListTenants(context.Background(), after, 2))(t)
		for _, tenant := range page {
			got = append(got, tenant.Name)
			after = tenant.Name
		}
		if len(page) < 2 {
			break
		}
	}
	equal(t, "tenants", got, want)
}
