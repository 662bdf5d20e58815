package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/tenant"
	"github.com/postrider-dev/postrider/server/gateway"
)

func tenantFrom(row *ent.Tenant) *gateway.Tenant {
	return &gateway.Tenant{
		ID: gateway.TenantID(row.ID), Name: row.Name, DisplayName: row.DisplayName,
		TypedOnly: row.TypedOnly != nil && *row.TypedOnly,
		PurgedTo:  gateway.Position(row.PurgedTo), Revision: row.Revision,
		CreateTime: fromMicros(row.CreateTime), UpdateTime: fromMicros(row.UpdateTime),
	}
}

func (s *Store) loadTenants(ctx context.Context) error {
	rows, err := s.read.Tenant.Query().All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		s.rememberTenant(tenantFrom(row))
	}
	return nil
}

func (s *Store) rememberTenant(t *gateway.Tenant) {
	s.tenantsMu.Lock()
	defer s.tenantsMu.Unlock()
	s.tenants[t.ID], s.byName[t.Name] = t, t
}

// tenantIDs returns the ids of all tenants.
func (s *Store) tenantIDs() []gateway.TenantID {
	s.tenantsMu.RLock()
	defer s.tenantsMu.RUnlock()
	return slices.Sorted(maps.Keys(s.tenants))
}

func (s *Store) onlyTenant() bool {
	s.tenantsMu.RLock()
	defer s.tenantsMu.RUnlock()
	return len(s.tenants) == 1
}

// TenantByName returns a tenant from memory. The error is not found.
func (s *Store) TenantByName(_ context.Context, name string) (*gateway.Tenant, error) {
	s.tenantsMu.RLock()
	defer s.tenantsMu.RUnlock()
	if t := s.byName[name]; t != nil {
		return t, nil
	}
	return nil, gateway.NotFound("tenant", name)
}

// Tenant returns a tenant from memory. The error is not found.
func (s *Store) Tenant(_ context.Context, id gateway.TenantID) (*gateway.Tenant, error) {
	s.tenantsMu.RLock()
	defer s.tenantsMu.RUnlock()
	if t := s.tenants[id]; t != nil {
		return t, nil
	}
	return nil, gateway.Gone("tenant")
}

// PurgedTo returns the position up to which retention has removed a tenant's events, read from the database.
func (s *Store) PurgedTo(ctx context.Context, id gateway.TenantID) (gateway.Position, error) {
	to, err := s.read.Tenant.Query().Where(tenant.ID(int64(id))).Select(tenant.FieldPurgedTo).Int(ctx)
	if err != nil {
		return 0, fmt.Errorf("read where the tenant's events begin: %w", err)
	}
	return gateway.Position(to), nil
}

// CreateTenant stores a tenant. The error is already_exists when the name is taken.
func (s *Store) CreateTenant(ctx context.Context, tenant gateway.Tenant) (*gateway.Tenant, error) {
	var created *gateway.Tenant
	err := s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		now := micros(time.Now())
		row, err := tx.Tenant.Create().SetName(tenant.Name).SetDisplayName(tenant.DisplayName).SetTypedOnly(tenant.TypedOnly).
			SetPurgedTo(0).SetRevision(1).SetCreateTime(now).SetUpdateTime(now).Save(ctx)
		if ent.IsConstraintError(err) {
			return nameTaken("tenant", tenant.Name)
		}
		if err != nil {
			return fmt.Errorf("create tenant: %w", err)
		}
		created = tenantFrom(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.rememberTenant(created)
	return created, nil
}

// UpdateTenant changes a tenant's display name and settings. It calls change with a copy, inside the transaction. expected
// is the tenant's revision, or 0 for any.
func (s *Store) UpdateTenant(
	ctx context.Context, id gateway.TenantID, expected int64, change func(*gateway.Tenant) error,
) (*gateway.Tenant, error) {
	var updated *gateway.Tenant
	err := s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		row, err := tx.Tenant.Get(ctx, int64(id))
		if ent.IsNotFound(err) {
			return gateway.Gone("tenant")
		}
		if err != nil {
			return fmt.Errorf("read tenant: %w", err)
		}
		if err := expectRevision("tenant", expected, row.Revision); err != nil {
			return err
		}
		to := tenantFrom(row)
		if err := change(to); err != nil {
			return err
		}
		row, err = row.Update().SetDisplayName(to.DisplayName).SetTypedOnly(to.TypedOnly).AddRevision(1).
			SetUpdateTime(micros(time.Now())).Save(ctx)
		if err != nil {
			return fmt.Errorf("update tenant: %w", err)
		}
		updated = tenantFrom(row)
		// Callbacks run in the order of the commits, so the newest tenant wins.
		onCommit(tx, func() { s.rememberTenant(updated) })
		return nil
	})
	return updated, err
}

// ListTenants returns the tenants whose names sort after afterName, ordered by name.
func (s *Store) ListTenants(ctx context.Context, afterName string, limit int) ([]*gateway.Tenant, error) {
	rows, err := s.read.Tenant.Query().Where(tenant.NameGT(afterName)).Order(ent.Asc(tenant.FieldName)).Limit(limit).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list tenants: %w", err)
	}
	return mapped(rows, tenantFrom), nil
}

func mapped[A, B any](rows []A, f func(A) B) []B {
	list := make([]B, len(rows))
	for i, row := range rows {
		list[i] = f(row)
	}
	return list
}

func nameTaken(noun, name string) error {
	return gateway.Errorf(gateway.CodeAlreadyExists, gateway.ReasonNameTaken, "a %s named %q exists already", noun, name)
}
