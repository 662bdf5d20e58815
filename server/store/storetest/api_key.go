package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

var keyCases = []testCase{
	{"a key is found by its hash", testKeyByHash},
	{"a revocation takes effect at once", testKeyRevoked},
	{"a name is unique per tenant", testKeyName},
	{"lists page by creation", testKeyList},
}

func (w *world) key(name string, tenant gateway.TenantID) *gateway.APIKey {
	w.t.Helper()
	return must(w.CreateAPIKey(context.Background(), &gateway.APIKey{
		Name: name, Tenant: tenant, Scopes: gateway.ScopePublish | gateway.ScopeConsume,
		Hash: sha256.Sum256(fmt.Appendf(nil, "%s %d", name, tenant)), Hint: "…abcd",
	}))(w.t)
}

func testKeyByHash(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	key := w.key("ci", w.tenantID())
	for range 2 { // from the database, then from memory
		equal(t, "key", *must(w.APIKeyByHash(context.Background(), key.Hash))(t), *key)
	}
	equal(t, "key", *must(w.APIKeyByUID(context.Background(), key.UID))(t), *key)
	_, err := w.APIKeyByHash(context.Background(), sha256.Sum256([]byte("guess")))
	notFound(t, err)
	_, err = w.APIKeyByUID(context.Background(), "key_none")
	notFound(t, err)
}

func testKeyRevoked(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	key := w.key("ci", 0)
	if !must(w.APIKeyByHash(context.Background(), key.Hash))(t).RevokeTime.IsZero() {
		t.Fatal("a new key is revoked")
	}
	revoked := must(w.RevokeAPIKey(context.Background(), key.UID))(t)
	got := must(w.APIKeyByHash(context.Background(), key.Hash))(t)
	if got.RevokeTime.IsZero() || !got.RevokeTime.Equal(revoked.RevokeTime) {
		t.Errorf("revoked at %v, read %v", revoked.RevokeTime, got.RevokeTime)
	}
	equal(t, "again", *must(w.RevokeAPIKey(context.Background(), key.UID))(t), *revoked)
	_, err := w.RevokeAPIKey(context.Background(), "key_none")
	notFound(t, err)
}

func testKeyName(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	w.key("ci", 0)
	w.key("ci", w.tenantID())
	_, err := w.CreateAPIKey(context.Background(), &gateway.APIKey{Name: "ci", Hash: sha256.Sum256([]byte("other"))})
	failsWith(t, err, gateway.CodeAlreadyExists, gateway.ReasonNameTaken)
}

func testKeyList(t *testing.T, fresh Fresh) {
	w := running(t, fresh)
	var all, own []string
	tenant := w.tenantID()
	for i := range 7 {
		name := fmt.Sprint("k", i)
		w.key(name, gateway.TenantID(i%2)*tenant)
		all = append(all, name)
		if i%2 == 1 {
			own = append(own, name)
		}
	}
	list := func(of *gateway.TenantID) (names []string) {
		for after := int64(0); ; {
			page := must(w.ListAPIKeys(context.Background(), of, after, 2))(t)
			for _, key := range page {
				names = append(names, key.Name)
				after = key.ID
			}
			if len(page) < 2 {
				return names
			}
		}
	}
	equal(t, "all", list(nil), all)
	equal(t, "one tenant's", list(&tenant), own)
}
