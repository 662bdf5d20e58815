package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/eventtypeversion"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Registry holds all event types at one revision. It is immutable and shared: each change makes a new one.
type Registry struct {
	Revision int64
	// Types maps names to types.
	Types map[string]*RegisteredType
}

// RegisteredType is an event type with its versions.
type RegisteredType struct {
	gateway.EventType
	// Versions is ordered, beginning with version 1.
	Versions []*SchemaVersion
	// row is the key of the type's row.
	row int64
}

// Latest returns the version that new events are checked against.
func (t *RegisteredType) Latest() *SchemaVersion { return t.Versions[len(t.Versions)-1] }

// SchemaVersion is one stored version of an event type's schema.
type SchemaVersion struct {
	ID      gateway.SchemaID
	Version int
	// Message is the full name of the type's message.
	Message string
	// Files is the self-contained FileDescriptorSet. Hash is its digest; versions with different content have different
	// hashes.
	Files []byte
	Hash  [32]byte
	// Description is for people. OrderingKey and Subject are field paths; empty means none.
	Description, OrderingKey, Subject string
	CreateTime                        time.Time
}

// Names returns the names of the types that sort after a name, in order.
func (r *Registry) Names(after string) []string {
	names := slices.Sorted(maps.Keys(r.Types))
	at, found := slices.BinarySearch(names, after)
	if found {
		at++
	}
	return names[at:]
}

// EventType returns one event type. The error is not found.
func (s *Store) EventType(name string) (*RegisteredType, error) {
	if found := s.Registry().Types[name]; found != nil {
		return found, nil
	}
	return nil, gateway.NotFound("event type", name)
}

// changeRegistry runs a change of the event types. run gets a copy of the registry that still shares the types, so it must
// replace a type instead of changing it. The revision grows with every change, so no event is accepted under an older
// registry. expected is the revision for which the change was made, or 0 for any.
func (s *Store) changeRegistry(
	ctx context.Context, expected int64, run func(ctx context.Context, tx *ent.Tx, next *Registry) error,
) error {
	return s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		// The writer runs changes one at a time, so the registry does not change meanwhile.
		current := s.Registry()
		if expected != 0 && expected != current.Revision {
			return ErrRegistryChanged
		}
		next := &Registry{Revision: current.Revision + 1, Types: maps.Clone(current.Types)}
		if err := run(ctx, tx, next); err != nil {
			return err
		}
		if err := tx.EventLog.UpdateOneID(shard).AddRegistryRevision(1).Exec(ctx); err != nil {
			return fmt.Errorf("advance registry: %w", err)
		}
		onCommit(tx, func() { s.registry.Store(next) })
		return nil
	})
}

func (w *writer) loadRegistry(ctx context.Context, revision int64) error {
	types, err := w.client.EventType.Query().All(ctx)
	if err != nil {
		return fmt.Errorf("read event types: %w", err)
	}
	loaded := &Registry{Revision: revision, Types: make(map[string]*RegisteredType, len(types))}
	byRow := make(map[int64]*RegisteredType, len(types))
	for _, row := range types {
		one := registeredType(row)
		loaded.Types[row.Name], byRow[row.ID] = one, one
	}
	if err := w.loadVersions(ctx, byRow); err != nil {
		return err
	}
	levels, err := w.client.EventTypeLevel.Query().All(ctx)
	if err != nil {
		return fmt.Errorf("read levels: %w", err)
	}
	for _, row := range levels {
		byRow[row.EventTypeID].TenantLevels[gateway.TenantID(row.TenantID)] = gateway.Level(row.Level)
	}
	w.registry.Store(loaded)
	return nil
}

func (w *writer) loadVersions(ctx context.Context, types map[int64]*RegisteredType) error {
	sets, err := w.client.DescriptorSet.Query().All(ctx)
	if err != nil {
		return fmt.Errorf("read descriptor sets: %w", err)
	}
	byRow := make(map[int64]*ent.DescriptorSet, len(sets))
	for _, set := range sets {
		byRow[set.ID] = set
	}
	rows, err := w.client.EventTypeVersion.Query().
		Order(ent.Asc(eventtypeversion.FieldEventTypeID, eventtypeversion.FieldVersion)).All(ctx)
	if err != nil {
		return fmt.Errorf("read schema versions: %w", err)
	}
	for _, row := range rows {
		set := byRow[row.DescriptorSetID]
		types[row.EventTypeID].add(schemaVersion(row, set.Files, [32]byte(set.Hash)))
	}
	return nil
}

// add adds a version, which becomes the latest.
func (t *RegisteredType) add(version *SchemaVersion) {
	t.Versions = append(t.Versions, version)
	t.Message, t.Description, t.LatestVersion = version.Message, version.Description, version.Version
}

func registeredType(row *ent.EventType) *RegisteredType {
	return &RegisteredType{row: row.ID, EventType: gateway.EventType{
		Name: row.Name, Level: gateway.Level(row.Level), TenantLevels: map[gateway.TenantID]gateway.Level{},
		UnknownFields: unknownFields(row.UnknownFields),
		Deprecated:    row.Deprecated != nil && *row.Deprecated, DeprecationNote: optionalText(row.DeprecationNote),
		LatestVersion: int(row.LatestVersion), Revision: row.Revision,
		CreateTime: fromMicros(row.CreateTime), UpdateTime: fromMicros(row.UpdateTime),
	}}
}

func unknownFields(v *int8) gateway.UnknownFields {
	if v == nil {
		return gateway.RefuseUnknown
	}
	return gateway.UnknownFields(*v)
}

func schemaVersion(row *ent.EventTypeVersion, files []byte, hash [32]byte) *SchemaVersion {
	return &SchemaVersion{
		ID: gateway.SchemaID(row.ID), Version: int(row.Version), Message: row.Message, Files: files, Hash: hash,
		Description: optionalText(row.Description), OrderingKey: optionalText(row.OrderingKey),
		Subject: optionalText(row.Subject), CreateTime: fromMicros(row.CreateTime),
	}
}

func optionalText(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}
