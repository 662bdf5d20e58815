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
	{"an update changes what it should", testUpdateTenant},
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
	created := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme", DisplayName: "Acme Ltd"}))(t)
	for range 2 {
		equal(t, "tenant", *must(w.TenantByName(context.Background(), "acme"))(t), *created)
		equal(t, "tenant", *must(w.Tenant(context.Background(), created.ID))(t), *created)
		w.restart()
	}
	_, err := w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"})
	failsWith(t, err, gateway.CodeAlreadyExists, gateway.ReasonNameTaken)
	_, err = w.TenantByName(context.Background(), "none")
	notFound(t, err)
	_, err = w.Tenant(context.Background(), 999)
	notFound(t, err)
}

func testUpdateTenant(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	acme := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme", TypedOnly: true}))(t)
	equal(t, "typed only", acme.TypedOnly, true)
	updated := must(w.UpdateTenant(context.Background(), acme.ID, acme.Revision, func(tenant *gateway.Tenant) error {
		tenant.DisplayName, tenant.TypedOnly = "Acme Ltd", false
		return nil
	}))(t)
	if updated.Revision != 2 || updated.DisplayName != "Acme Ltd" || updated.TypedOnly || updated.UpdateTime.Before(acme.UpdateTime) {
		t.Errorf("updated %+v", updated)
	}
	refuse := gateway.FieldError("tenant", "is refused")
	for range 2 {
		equal(t, "tenant", *must(w.TenantByName(context.Background(), "acme"))(t), *updated)
		_, err := w.UpdateTenant(context.Background(), acme.ID, 1, func(*gateway.Tenant) error { return nil })
		failsWith(t, err, gateway.CodeAborted, gateway.ReasonRevisionMismatch)
		_, err = w.UpdateTenant(context.Background(), acme.ID, 0, func(tenant *gateway.Tenant) error {
			tenant.TypedOnly = true
			return refuse
		})
		failsWith(t, err, refuse.Code, refuse.Reason)
		w.restart()
	}
	_, err := w.UpdateTenant(context.Background(), 999, 0, func(*gateway.Tenant) error { return nil })
	notFound(t, err)
}

func testListTenants(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	want := []string{gateway.DefaultTenant}
	for i := range 4 {
		name := fmt.Sprint("t", i)
		must(w.CreateTenant(context.Background(), gateway.Tenant{Name: name}))(t)
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
