package store

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/apikey"
	"github.com/postrider-dev/postrider/server/gateway"
)

// keyCacheTime is how long a cached look-up stays valid. A revocation by another process takes effect within this time.
const keyCacheTime = time.Second

// keyCache spares requests the database look-up of their key. Only existing keys are cached, so guessed keys cannot fill it.
type keyCache struct {
	mu      sync.Mutex
	entries map[[32]byte]cachedKey
	// generation counts the calls of clear.
	generation uint64
}

type cachedKey struct {
	key     *gateway.APIKey
	expires time.Time
}

// get returns a cached key, and the generation of the cache for put.
func (c *keyCache) get(hash [32]byte, now time.Time) (key *gateway.APIKey, ok bool, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.entries[hash]
	return entry.key, ok && now.Before(entry.expires), c.generation
}

// put caches a key that was read after get. A key of an earlier generation may have been revoked since, and is not cached.
func (c *keyCache) put(key *gateway.APIKey, now time.Time, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if c.entries == nil || len(c.entries) > 10_000 {
		c.entries = map[[32]byte]cachedKey{}
	}
	c.entries[key.Hash] = cachedKey{key, now.Add(keyCacheTime)}
}

func (c *keyCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	c.entries = nil
}

func apiKeyFrom(row *ent.APIKey) *gateway.APIKey {
	return &gateway.APIKey{
		ID: row.ID, UID: row.UID, Name: row.Name, Tenant: gateway.TenantID(row.TenantID), Scopes: gateway.Scope(row.Scopes),
		Hash: [32]byte(row.Hash), Hint: row.Hint, Revision: row.Revision,
		CreateTime: fromMicros(row.CreateTime), UpdateTime: fromMicros(row.UpdateTime), RevokeTime: optionalMicros(row.RevokeTime),
	}
}

// CreateAPIKey stores the hash of a key. The error is already_exists when the tenant has a key of that name.
func (s *Store) CreateAPIKey(ctx context.Context, k *gateway.APIKey) (*gateway.APIKey, error) {
	var created *gateway.APIKey
	err := s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		if err := s.checkKeys(ctx, tx, k.Tenant); err != nil {
			return err
		}
		now := micros(time.Now())
		row, err := tx.APIKey.Create().SetUID(newUID("key_")).SetTenantID(int64(k.Tenant)).SetName(k.Name).
			SetHash(k.Hash[:]).SetHint(k.Hint).SetScopes(int(k.Scopes)).SetRevision(1).SetCreateTime(now).SetUpdateTime(now).Save(ctx)
		if ent.IsConstraintError(err) {
			return nameTaken("key", k.Name)
		}
		if err != nil {
			return fmt.Errorf("create key: %w", err)
		}
		created = apiKeyFrom(row)
		return nil
	})
	return created, err
}

// APIKeyByHash returns the key whose secret has this SHA-256, also when it was revoked: then RevokeTime is set. The error is
// not found. The result is at most a second old.
func (s *Store) APIKeyByHash(ctx context.Context, hash [32]byte) (*gateway.APIKey, error) {
	now := time.Now()
	key, ok, generation := s.keys.get(hash, now)
	if ok {
		return key, nil
	}
	row, err := s.read.APIKey.Query().Where(apikey.Hash(hash[:])).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, gateway.NotFound("key", "…")
	}
	if err != nil {
		return nil, fmt.Errorf("look up key: %w", err)
	}
	key = apiKeyFrom(row)
	s.keys.put(key, now, generation)
	return key, nil
}

// APIKeyByUID returns a key by its id. The error is not found.
func (s *Store) APIKeyByUID(ctx context.Context, uid string) (*gateway.APIKey, error) {
	row, err := s.read.APIKey.Query().Where(apikey.UID(uid)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, gateway.NotFound("key", uid)
	}
	if err != nil {
		return nil, fmt.Errorf("look up key: %w", err)
	}
	return apiKeyFrom(row), nil
}

// ListAPIKeys returns keys in order of creation, those after afterID, of one tenant or (nil) of all.
func (s *Store) ListAPIKeys(ctx context.Context, tenant *gateway.TenantID, afterID int64, limit int) ([]*gateway.APIKey, error) {
	query := s.read.APIKey.Query().Where(apikey.IDGT(afterID))
	if tenant != nil {
		query = query.Where(apikey.TenantID(int64(*tenant)))
	}
	rows, err := query.Order(ent.Asc(apikey.FieldID)).Limit(limit).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return mapped(rows, apiKeyFrom), nil
}

// RevokeAPIKey revokes a key. This process refuses the key from then on; its open streams end at the next check of live.Registry. Other
// processes take up to keyCacheTime. Revoking a key again changes nothing.
func (s *Store) RevokeAPIKey(ctx context.Context, uid string) (*gateway.APIKey, error) {
	var revoked *gateway.APIKey
	err := s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		row, err := tx.APIKey.Query().Where(apikey.UID(uid)).Only(ctx)
		if ent.IsNotFound(err) {
			return gateway.NotFound("key", uid)
		}
		if err != nil {
			return fmt.Errorf("look up key: %w", err)
		}
		if row.RevokeTime == nil {
			now := micros(time.Now())
			if row, err = row.Update().SetRevokeTime(now).SetUpdateTime(now).AddRevision(1).Save(ctx); err != nil {
				return fmt.Errorf("revoke key: %w", err)
			}
			if err := s.forgetRevoked(ctx, tx, gateway.TenantID(row.TenantID)); err != nil {
				return err
			}
		}
		revoked = apiKeyFrom(row)
		onCommit(tx, s.keys.clear)
		return nil
	})
	return revoked, err
}

var uidText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newUID makes a public id: the prefix and 100 random bits.
func newUID(prefix string) string {
	var raw [13]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return prefix + strings.ToLower(uidText.EncodeToString(raw[:]))[:20]
}
