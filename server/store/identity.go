package store

import (
	"context"
	"fmt"

	"github.com/postrider-dev/postrider/ent"
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

// storedIdentities looks up every id of the group. It includes ids that the server made, because the conflict may be with
// one of them.
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

// EventByID returns one event. The error is not found, a *gateway.Error.
func (s *Store) EventByID(ctx context.Context, tenant gateway.TenantID, id string) (*gateway.Event, error) {
	row, err := s.read.EventIdentity.Query().
		Where(eventidentity.TenantID(int64(tenant)), eventidentity.EventID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, gateway.NotFound("event", id)
	}
	if err != nil {
		return nil, fmt.Errorf("look up event id: %w", err)
	}
	position := gateway.Position(row.ID)
	found, err := s.EventsAt(ctx, []gateway.Position{position})
	if err != nil {
		return nil, err
	}
	if found[position] == nil {
		return nil, gateway.NotFound("event", id)
	}
	return found[position], nil
}

// Identity is what the store keeps of an event under its id.
type Identity struct {
	Hash gateway.ContentHash
	// Schema is the schema version with which the content was encoded, 0 for JSON text.
	Schema gateway.SchemaID
}

// IdentityOf returns the identity that is stored under an id; found is false when the id was not used.
func (s *Store) IdentityOf(ctx context.Context, tenant gateway.TenantID, id string) (first Identity, found bool, err error) {
	row, err := s.read.EventIdentity.Query().
		Where(eventidentity.TenantID(int64(tenant)), eventidentity.EventID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return first, false, nil
	}
	if err != nil {
		return first, false, fmt.Errorf("look up event id: %w", err)
	}
	first.Hash = gateway.ContentHash(row.Hash)
	if row.SchemaID != nil {
		first.Schema = gateway.SchemaID(*row.SchemaID)
	}
	return first, true, nil
}
