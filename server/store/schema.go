package store

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/descriptorset"
	"github.com/postrider-dev/postrider/ent/eventtype"
	"github.com/postrider-dev/postrider/ent/eventtypeversion"
	"github.com/postrider-dev/postrider/server/gateway"
)

// SchemaVersion is one stored version of an event type's schema.
type SchemaVersion struct {
	ID      gateway.SchemaID
	Type    string
	Version int
	Message string
	// Files is the self-contained FileDescriptorSet.
	Files  []byte
	Latest bool
}

// NewSchema is a version to be stored. Hash tells whether it differs from the latest one.
type NewSchema struct {
	Type, Message string
	Files         []byte
	Hash          [32]byte
}

// levelEnforce is the only level so far: an event that breaks its schema is refused.
const levelEnforce = 2

// Schemas answers all stored versions and the registry's revision they make up.
func (s *Store) Schemas(ctx context.Context) (versions []SchemaVersion, revision int64, err error) {
	revision = s.RegistryRevision()
	types, err := s.read.EventType.Query().All(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read event types: %w", err)
	}
	byID := map[int64]*ent.EventType{}
	for _, t := range types {
		byID[t.ID] = t
	}
	sets, err := s.read.DescriptorSet.Query().All(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read descriptor sets: %w", err)
	}
	files := map[int64][]byte{}
	for _, set := range sets {
		files[set.ID] = set.Files
	}
	rows, err := s.read.EventTypeVersion.Query().Order(ent.Asc(eventtypeversion.FieldID)).All(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read schema versions: %w", err)
	}
	for _, row := range rows {
		t := byID[row.EventTypeID]
		versions = append(versions, SchemaVersion{
			ID: gateway.SchemaID(row.ID), Type: t.Name, Version: int(row.Version), Message: row.Message,
			Files: files[row.DescriptorSetID], Latest: row.Version == t.LatestVersion,
		})
	}
	return versions, revision, nil
}

// RegisterSchemas stores those versions that differ from the latest of their type. The registry's revision grows when
// something changed, so that no event is accepted under an older one.
func (s *Store) RegisterSchemas(ctx context.Context, schemas []NewSchema) error {
	return s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		changed := false
		for _, n := range schemas {
			stored, err := registerSchema(ctx, tx, n)
			if err != nil {
				return fmt.Errorf("register %s: %w", n.Type, err)
			}
			changed = changed || stored
		}
		if !changed {
			return nil
		}
		if err := tx.EventLog.UpdateOneID(shard).AddRegistryRevision(1).Exec(ctx); err != nil {
			return fmt.Errorf("advance registry: %w", err)
		}
		// The writer runs alone: the next append sees it.
		onCommit(tx, func() { s.registryRevision.Add(1) })
		return nil
	})
}

func registerSchema(ctx context.Context, tx *ent.Tx, n NewSchema) (stored bool, err error) {
	now := micros(time.Now())
	set, err := descriptorSet(ctx, tx, n, now)
	if err != nil {
		return false, err
	}
	t, err := tx.EventType.Query().Where(eventtype.Name(n.Type)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		t, err = tx.EventType.Create().SetName(n.Type).SetLevel(levelEnforce).SetLatestVersion(1).
			SetCreateTime(now).SetUpdateTime(now).Save(ctx)
	case err == nil:
		latest, readErr := tx.EventTypeVersion.Query().
			Where(eventtypeversion.EventTypeID(t.ID), eventtypeversion.Version(t.LatestVersion)).Only(ctx)
		if readErr != nil {
			return false, readErr
		}
		if latest.DescriptorSetID == set && latest.Message == n.Message {
			return false, nil
		}
		t, err = t.Update().AddLatestVersion(1).AddRevision(1).SetUpdateTime(now).Save(ctx)
	}
	if err != nil {
		return false, err
	}
	return true, tx.EventTypeVersion.Create().SetEventTypeID(t.ID).SetVersion(t.LatestVersion).SetMessage(n.Message).
		SetDescriptorSetID(set).SetCreateTime(now).Exec(ctx)
}

func descriptorSet(ctx context.Context, tx *ent.Tx, n NewSchema, now int64) (int64, error) {
	id, err := tx.DescriptorSet.Query().Where(descriptorset.Hash(n.Hash[:])).OnlyID(ctx)
	if !ent.IsNotFound(err) {
		return id, err
	}
	set, err := tx.DescriptorSet.Create().SetHash(n.Hash[:]).SetFiles(n.Files).SetCreateTime(now).Save(ctx)
	if err != nil {
		return 0, err
	}
	return set.ID, nil
}
