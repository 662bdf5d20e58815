package store_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// A key that is revoked while it is being read is not cached as it was before.
func TestAKeyReadDuringARevocationIsNotCached(t *testing.T) {
	t.Parallel()
	var cache store.KeyCache
	key, now := &gateway.APIKey{Hash: [32]byte{1}}, time.Now()
	if cache.Read(key, now, cache.Clear) || cache.Read(key, now, func() {}) {
		t.Error("the key is cached although the cache was cleared while it was read")
	}
	if !cache.Read(key, now, func() {}) {
		t.Error("the key is not cached")
	}
}
