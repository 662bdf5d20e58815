package store

import (
	"context"
	"fmt"

	"github.com/postrider-dev/postrider/ent/eventidentity"
	"github.com/postrider-dev/postrider/server/gateway"
)

type identityKey struct {
	tenant gateway.TenantID
	id     string
}

type identity struct {
	position gateway.Position
	hash     gateway.ContentHash
	schema   gateway.SchemaID
}

// storedIdentities looks up every id of the group, including ids made here, since the conflict may be with one of those.
func (w *writer) storedIdentities(ctx context.Context, requests []*appendRequest) (map[identityKey]identity, error) {
	ids := map[gateway.TenantID][]string{}
	for _, r := range requests {
		for i := range r.events {
			e := r.events[i].Event
			ids[e.Tenant] = append(ids[e.Tenant], e.ID)
		}
	}
	stored := map[identityKey]identity{}
	for tenant, of := range ids {
		for len(of) > 0 {
			n := min(len(of), 500)
			if err := w.lookUpIdentities(ctx, tenant, of[:n], stored); err != nil {
				return nil, err
			}
			of = of[n:]
		}
	}
	return stored, nil
}

func (w *writer) lookUpIdentities(ctx context.Context, tenant gateway.TenantID, ids []string, into map[identityKey]identity) error {
	rows, err := w.client.EventIdentity.Query().
		Where(eventidentity.TenantID(int64(tenant)), eventidentity.EventIDIn(ids...)).All(ctx)
	if err != nil {
		return fmt.Errorf("look up event ids: %w", err)
	}
	for _, row := range rows {
		first := identity{position: gateway.Position(row.ID), hash: gateway.ContentHash(row.Hash)}
		if row.SchemaID != nil {
			first.schema = gateway.SchemaID(*row.SchemaID)
		}
		into[identityKey{tenant, row.EventID}] = first
	}
	return nil
}
