package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/descriptorset"
	"github.com/postrider-dev/postrider/ent/event"
	"github.com/postrider-dev/postrider/ent/eventtypelevel"
	"github.com/postrider-dev/postrider/ent/eventtypeversion"
	"github.com/postrider-dev/postrider/ent/predicate"
	"github.com/postrider-dev/postrider/ent/subscription"
	"github.com/postrider-dev/postrider/ent/tenant"
	"github.com/postrider-dev/postrider/server/gateway"
)

// UpdateEventType changes the levels and the deprecation of a type. It calls change with a copy, inside the transaction.
// expected is the type's revision, or 0 for any.
func (s *Store) UpdateEventType(
	ctx context.Context, name string, expected int64, change func(*gateway.EventType) error,
) (*RegisteredType, error) {
	var updated *RegisteredType
	err := s.changeRegistry(ctx, 0, func(ctx context.Context, tx *ent.Tx, next *Registry) error {
		current, err := expectType(next, name, expected)
		if err != nil {
			return err
		}
		now := micros(time.Now())
		updated = &RegisteredType{EventType: current.EventType, Versions: current.Versions, row: current.row}
		updated.TenantLevels = maps.Clone(current.TenantLevels)
		if err := change(&updated.EventType); err != nil {
			return err
		}
		updated.Revision, updated.UpdateTime = current.Revision+1, fromMicros(now)
		err = tx.EventType.UpdateOneID(current.row).SetLevel(int8(updated.Level)).
			SetUnknownFields(int8(updated.UnknownFields)).SetDeprecated(updated.Deprecated).
			SetDeprecationNote(updated.DeprecationNote).SetRevision(updated.Revision).SetUpdateTime(now).Exec(ctx)
		if err != nil {
			return fmt.Errorf("update event type: %w", err)
		}
		next.Types[name] = updated
		return saveLevels(ctx, tx, current, updated.TenantLevels)
	})
	return updated, err
}

func expectType(registry *Registry, name string, expected int64) (*RegisteredType, error) {
	current := registry.Types[name]
	if current == nil {
		return nil, gateway.NotFound("event type", name)
	}
	return current, expectRevision("event type", expected, current.Revision)
}

// saveLevels writes the tenants' levels that differ from the current ones.
func saveLevels(ctx context.Context, tx *ent.Tx, current *RegisteredType, levels map[gateway.TenantID]gateway.Level) error {
	for tenant, level := range current.TenantLevels {
		if own, kept := levels[tenant]; kept && own == level {
			continue
		}
		_, err := tx.EventTypeLevel.Delete().
			Where(eventtypelevel.EventTypeID(current.row), eventtypelevel.TenantID(int64(tenant))).Exec(ctx)
		if err != nil {
			return fmt.Errorf("remove level: %w", err)
		}
	}
	for tenant, level := range levels {
		if before, had := current.TenantLevels[tenant]; had && before == level {
			continue
		}
		err := tx.EventTypeLevel.Create().SetEventTypeID(current.row).SetTenantID(int64(tenant)).SetLevel(int8(level)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("store level: %w", err)
		}
	}
	return nil
}

// DeleteEventType removes a type and its versions. The error is failed_precondition while there are stored events of the
// type or a subscription's filter names the type exactly. expected is the type's revision, or 0 for any.
func (s *Store) DeleteEventType(ctx context.Context, name string, expected int64) error {
	return s.changeRegistry(ctx, 0, func(ctx context.Context, tx *ent.Tx, next *Registry) error {
		current, err := expectType(next, name, expected)
		if err != nil {
			return err
		}
		// There is one writer, and the revision grows, so no event of the type can be stored in the meantime.
		if err := unused(ctx, tx, name); err != nil {
			return err
		}
		delete(next.Types, name)
		return forgetType(ctx, tx, current, next)
	})
}

// unused returns an error that names a tenant or subscription that uses the type.
func unused(ctx context.Context, tx *ent.Tx, name string) error {
	publisher, err := tx.Tenant.Query().Where(hasEventsOf(name)).Order(ent.Asc(tenant.FieldName)).First(ctx)
	if err == nil {
		return inUse(name, fmt.Sprintf("tenant %q has stored events of it", publisher.Name))
	}
	if !ent.IsNotFound(err) {
		return fmt.Errorf("look for events: %w", err)
	}
	subs, err := tx.Subscription.Query().Select(subscription.FieldName, subscription.FieldFilterTypes).All(ctx)
	if err != nil {
		return fmt.Errorf("look for subscriptions: %w", err)
	}
	for _, sub := range subs {
		if slices.Contains(sub.FilterTypes, name) {
			return inUse(name, fmt.Sprintf("the filter of subscription %q names it", sub.Name))
		}
	}
	return nil
}

func hasEventsOf(name string) predicate.Tenant {
	return func(of *sql.Selector) {
		e := sql.Table(event.Table)
		of.Where(sql.Exists(sql.Select(e.C(event.FieldID)).From(e).Where(sql.And(
			sql.ColumnsEQ(e.C(event.FieldTenantID), of.C(tenant.FieldID)), sql.EQ(e.C(event.FieldType), name),
		))))
	}
}

func inUse(name, why string) error {
	return gateway.Errorf(gateway.CodeFailedPrecondition, gateway.ReasonInUse, "event type %q is in use: %s", name, why)
}

// forgetType removes the rows of a type, and the descriptor sets that no version refers to any more.
func forgetType(ctx context.Context, tx *ent.Tx, gone *RegisteredType, next *Registry) error {
	if _, err := tx.EventTypeLevel.Delete().Where(eventtypelevel.EventTypeID(gone.row)).Exec(ctx); err != nil {
		return fmt.Errorf("delete levels: %w", err)
	}
	if _, err := tx.EventTypeVersion.Delete().Where(eventtypeversion.EventTypeID(gone.row)).Exec(ctx); err != nil {
		return fmt.Errorf("delete schema versions: %w", err)
	}
	if err := tx.EventType.DeleteOneID(gone.row).Exec(ctx); err != nil {
		return fmt.Errorf("delete event type: %w", err)
	}
	named := map[[32]byte]bool{}
	for _, kept := range next.Types {
		for _, version := range kept.Versions {
			named[version.Hash] = true
		}
	}
	for _, version := range gone.Versions {
		if named[version.Hash] {
			continue
		}
		if _, err := tx.DescriptorSet.Delete().Where(descriptorset.Hash(version.Hash[:])).Exec(ctx); err != nil {
			return fmt.Errorf("delete descriptor sets: %w", err)
		}
	}
	return nil
}
