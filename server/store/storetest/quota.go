package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var quotaCases = []testCase{
	{"the subscriptions of a tenant are bounded", testMostSubscriptions},
	{"the expressions of a tenant's subscriptions are bounded together", testMostExpressions},
	{"the targets of a tenant's subscriptions are bounded together", testMostTargets},
	{"the keys of a tenant are bounded, and as many revoked ones are kept", testMostKeys},
}

func few(c *store.Config) { c.MaxSubscriptions, c.MaxKeys = 3, 3 }

// exhausted says that a row is refused because there are too many.
func exhausted(t *testing.T, field string, err error) {
	t.Helper()
	var refused *gateway.Error
	if !errors.As(err, &refused) || refused.Code != gateway.CodeResourceExhausted || len(refused.Fields) != 1 || refused.Fields[0].Field != field {
		t.Errorf("one too many: %v, want resource_exhausted of %s", err, field)
	}
}

// tenants makes a number of tenants.
func (w *world) tenants(n int) (ids []gateway.TenantID) {
	w.t.Helper()
	for i := range n {
		ids = append(ids, must(w.CreateTenant(context.Background(), gateway.Tenant{Name: fmt.Sprint("acme", i)}))(w.t).ID)
	}
	return ids
}

func testMostSubscriptions(t *testing.T, fresh Fresh) {
	w := running(t, fresh, few)
	create := func(tenant gateway.TenantID, name string) (*gateway.Subscription, error) {
		draft := w.draft(name)
		draft.Tenant = tenant
		return w.CreateSubscription(context.Background(), draft, gateway.Start{})
	}
	tenants := w.tenants(6)
	var last *gateway.Subscription
	for _, tenant := range tenants[:5] {
		for i := range 3 {
			last = must(create(tenant, fmt.Sprint("s", i)))(t)
		}
		_, err := create(tenant, "one too many")
		exhausted(t, "subscription", err)
	}
	_, err := create(tenants[5], "one too many of all")
	exhausted(t, "subscription", err)
	if err := w.DeleteSubscription(context.Background(), last.ID, 0); err != nil {
		t.Fatal(err)
	}
	must(create(tenants[5], "in place of another"))(t)
}

func testMostExpressions(t *testing.T, fresh Fresh) {
	w := running(t, fresh, func(c *store.Config) { c.MaxExpressionBytes = 100 })
	const field = "subscription.filter.expression"
	create := func(tenant gateway.TenantID, name string, bytes int) (*gateway.Subscription, error) {
		draft := w.draft(name)
		draft.Tenant, draft.Filter.Expression = tenant, strings.Repeat("x", bytes)
		return w.CreateSubscription(context.Background(), draft, gateway.Start{})
	}
	lengthen := func(id gateway.SubscriptionID, bytes int) error {
		_, _, err := w.UpdateSubscription(context.Background(), id, 0, func(sub *gateway.Subscription) error {
			sub.Filter.Expression = strings.Repeat("y", bytes)
			return nil
		})
		return err
	}
	tenants := w.tenants(6)
	for _, tenant := range tenants[:5] {
		must(create(tenant, "a", 60))(t)
		short := must(create(tenant, "b", 30))(t)
		_, err := create(tenant, "c", 11)
		exhausted(t, field, err)
		exhausted(t, field, lengthen(short.ID, 41))
		if err := lengthen(short.ID, 40); err != nil {
			t.Error(err)
		}
		must(create(tenant, "without", 0))(t)
	}
	must(create(tenants[5], "a fifth of its own", 20))(t)
	_, err := create(tenants[5], "too many of all", 1)
	exhausted(t, field, err)
}

func testMostTargets(t *testing.T, fresh Fresh) {
	w := running(t, fresh, func(c *store.Config) { c.MaxTargetBytes = 1000 })
	const field = "subscription.target"
	// As it is sealed, a configuration has a few dozen bytes more.
	config := func(bytes int) []byte {
		return []byte(`{"url":"https://example.com/` + strings.Repeat("x", bytes-30) + `"}`)
	}
	create := func(tenant gateway.TenantID, name string, bytes int) (*gateway.Subscription, error) {
		draft := w.draft(name)
		draft.Tenant, draft.TargetConfig = tenant, config(bytes)
		return w.CreateSubscription(context.Background(), draft, gateway.Start{})
	}
	change := func(id gateway.SubscriptionID, bytes int) error {
		_, _, err := w.UpdateSubscription(context.Background(), id, 0, func(sub *gateway.Subscription) error {
			sub.TargetConfig = config(bytes)
			return nil
		})
		return err
	}
	tenants := w.tenants(6)
	for _, tenant := range tenants[:5] {
		must(create(tenant, "a", 500))(t)
		second := must(create(tenant, "b", 300))(t)
		_, err := create(tenant, "c", 200)
		exhausted(t, field, err)
		exhausted(t, field, change(second.ID, 500))
		if err := change(second.ID, 290); err != nil {
			t.Error(err)
		}
	}
	must(create(tenants[5], "a small part", 60))(t)
	_, err := create(tenants[5], "too many of all", 700)
	exhausted(t, field, err)
}

func testMostKeys(t *testing.T, fresh Fresh) {
	w := running(t, fresh, few)
	keys := []*gateway.APIKey{w.key("a", w.tenantID()), w.key("b", w.tenantID()), w.key("c", w.tenantID())}
	more := &gateway.APIKey{Name: "d", Tenant: w.tenantID(), Hash: sha256.Sum256([]byte("d"))}
	_, err := w.CreateAPIKey(context.Background(), more)
	exhausted(t, "api_key", err)
	w.key("of another tenant", w.tenants(1)[0])
	for i := range 5 { // One after the other takes the place of one that is revoked.
		must(w.RevokeAPIKey(context.Background(), keys[i].UID))(t)
		keys = append(keys, w.key(fmt.Sprint("next", i), w.tenantID()))
	}
	tenant := w.tenantID()
	listed := must(w.ListAPIKeys(context.Background(), &tenant, 0, 100))(t)
	equal(t, "keys that are kept", len(listed), 6)
	equal(t, "the oldest", listed[0].UID, keys[2].UID)
}
