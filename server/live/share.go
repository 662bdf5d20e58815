package live

import (
	"time"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
)

// tooManyRetry is after how long a stream that exceeds a share may be tried again.
const tooManyRetry = 5 * time.Second

// holder is who a stream is counted for: its client (a key at an address), its key, and the key's tenant.
type holder struct {
	tenant  gateway.TenantID
	key     access.KeyHash
	address string
}

func newHolder(c access.Caller, from Origin) holder {
	return holder{tenant: c.Tenant, key: c.Hash, address: limit.Address(from.Address)}
}

// share bounds a number of streams by the number that is still free.
type share struct {
	of       string
	num, den int
}

// The shares. Each is a part of what is free, so nobody can take the last stream. A caller that is alone gets a third of the
// limit as a client, half as a key and two thirds as a tenant; with more callers each gets less.
var (
	clientShare = share{"this key at this address", 1, 2}
	keyShare    = share{"this key", 1, 1}
	tenantShare = share{"its tenant", 2, 1}
)

// allows reports whether a caller who holds that number may have another one.
func (s share) allows(held, free int) bool { return free > 0 && held*s.den < free*s.num }

// quota counts the open streams. The caller locks.
type quota struct {
	limit, total int
	clients      map[holder]int
	keys         map[access.KeyHash]int
	tenants      map[gateway.TenantID]int
}

func newQuota(limit int) quota {
	return quota{
		limit: limit, clients: map[holder]int{}, keys: map[access.KeyHash]int{}, tenants: map[gateway.TenantID]int{},
	}
}

func (h *quota) add(who holder) error {
	free := h.limit - h.total
	for _, one := range []struct {
		share
		held int
	}{
		{clientShare, h.clients[who]}, {keyShare, h.keys[who.key]}, {tenantShare, h.tenants[who.tenant]},
	} {
		if !one.allows(one.held, free) {
			return tooManyStreams(one.of, one.held, free, h.limit)
		}
	}
	h.count(who, 1)
	return nil
}

func (h *quota) remove(who holder) { h.count(who, -1) }

func (h *quota) count(who holder, n int) {
	h.total += n
	countOf(h.clients, who, n)
	countOf(h.keys, who.key, n)
	countOf(h.tenants, who.tenant, n)
}

func countOf[K comparable](counts map[K]int, key K, n int) {
	if counts[key] += n; counts[key] == 0 {
		delete(counts, key)
	}
}

func tooManyStreams(of string, held, free, limit int) error {
	err := gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonTooManyStreams,
		"too many streams are open: %s has %d, which is its share while %d of %d are free", of, held, free, limit)
	err.RetryAfter = tooManyRetry
	return err
}
