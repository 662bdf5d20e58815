package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/descriptorset"
	"github.com/postrider-dev/postrider/server/gateway"
)

// NewSchema is a schema version to store.
type NewSchema struct {
	Type, Message string
	// Files is a self-contained FileDescriptorSet. Hash is its digest, which shows whether it differs from the latest
	// version.
	Files []byte
	Hash  [32]byte
	// Description is for people. OrderingKey and Subject are field paths; empty means none.
	Description, OrderingKey, Subject string
}

const (
	// setStep is about how many bytes of descriptor sets one transaction writes. Between the steps publishing goes on.
	setStep = 1 << 20
	// rowStep bounds the number of rows of one statement.
	rowStep = 500
)

// NewTypes holds the initial settings of types that a registration creates.
type NewTypes struct {
	Level         gateway.Level
	UnknownFields gateway.UnknownFields
}

// RegisterSchemas stores the versions that differ from the latest version of their type, all or none. expected is the
// revision of the registry that the versions were compared with, or 0 for any. The error is ErrRegistryChanged when the
// registry has another revision.
func (s *Store) RegisterSchemas(ctx context.Context, expected int64, begin NewTypes, schemas []NewSchema) error {
	changed := func(n NewSchema) bool { return !s.Registry().has(n) }
	if !slices.ContainsFunc(schemas, changed) {
		return nil
	}
	// The files are large, so they are stored first. They have no effect before a version refers to them.
	if err := s.storeDescriptorSets(ctx, schemas); err != nil {
		return err
	}
	return s.changeRegistry(ctx, expected, func(ctx context.Context, tx *ent.Tx, next *Registry) error {
		r := registration{tx: tx, next: next, now: micros(time.Now())}
		if err := r.findSets(ctx, schemas); err != nil {
			return fmt.Errorf("find descriptor sets: %w", err)
		}
		if err := r.addTypes(ctx, begin, schemas); err != nil {
			return fmt.Errorf("create event types: %w", err)
		}
		if err := r.addVersions(ctx, schemas); err != nil {
			return fmt.Errorf("create schema versions: %w", err)
		}
		return nil
	})
}

// has reports whether a version equals the latest version of its type.
func (r *Registry) has(n NewSchema) bool {
	known := r.Types[n.Type]
	return known != nil && known.Latest().Hash == n.Hash && known.Latest().Message == n.Message
}

// storeDescriptorSets writes the sets that are not stored yet, step by step.
func (s *Store) storeDescriptorSets(ctx context.Context, schemas []NewSchema) error {
	for rest := schemas; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && n < rowStep && (n == 0 || size < setStep) {
			size += len(rest[n].Files)
			n++
		}
		step := rest[:n]
		rest = rest[n:]
		err := s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
			r := registration{tx: tx, now: micros(time.Now())}
			return r.findSets(ctx, step)
		})
		if err != nil {
			return fmt.Errorf("store descriptor sets: %w", err)
		}
	}
	return nil
}

// registration is one transaction that stores versions.
type registration struct {
	tx   *ent.Tx
	next *Registry
	now  int64
	// sets maps the hashes of descriptor sets to the keys of their rows.
	sets map[[32]byte]int64
}

// findSets finds the rows of descriptor sets and creates the missing ones.
func (r *registration) findSets(ctx context.Context, schemas []NewSchema) error {
	r.sets = make(map[[32]byte]int64, len(schemas))
	for step := range slices.Chunk(schemas, rowStep) {
		hashes := make([][]byte, len(step))
		for i := range step {
			hashes[i] = step[i].Hash[:]
		}
		found, err := r.tx.DescriptorSet.Query().Where(descriptorset.HashIn(hashes...)).
			Select(descriptorset.FieldID, descriptorset.FieldHash).All(ctx)
		if err != nil {
			return err
		}
		for _, row := range found {
			r.sets[[32]byte(row.Hash)] = row.ID
		}
		if err := r.addSets(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

func (r *registration) addSets(ctx context.Context, schemas []NewSchema) error {
	var fresh []*ent.DescriptorSetCreate
	for i := range schemas {
		if _, known := r.sets[schemas[i].Hash]; known {
			continue
		}
		r.sets[schemas[i].Hash] = 0
		fresh = append(fresh, r.tx.DescriptorSet.Create().
			SetHash(schemas[i].Hash[:]).SetFiles(schemas[i].Files).SetCreateTime(r.now))
	}
	rows, err := r.tx.DescriptorSet.CreateBulk(fresh...).Save(ctx)
	for _, row := range rows {
		r.sets[[32]byte(row.Hash)] = row.ID
	}
	return err
}

// addTypes creates the types that do not exist yet.
func (r *registration) addTypes(ctx context.Context, begin NewTypes, schemas []NewSchema) error {
	var fresh []*ent.EventTypeCreate
	for _, n := range schemas {
		if r.next.Types[n.Type] != nil {
			continue
		}
		// A request may hold two versions of one new type: the type is created once.
		r.next.Types[n.Type] = &RegisteredType{}
		fresh = append(fresh, r.tx.EventType.Create().SetName(n.Type).SetLevel(int8(begin.Level)).
			SetUnknownFields(int8(begin.UnknownFields)).SetLatestVersion(0).
			SetRevision(0).SetCreateTime(r.now).SetUpdateTime(r.now))
	}
	for step := range slices.Chunk(fresh, rowStep) {
		rows, err := r.tx.EventType.CreateBulk(step...).Save(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			r.next.Types[row.Name] = registeredType(row)
		}
	}
	return nil
}

// addVersions creates the versions and makes each the latest of its type.
func (r *registration) addVersions(ctx context.Context, schemas []NewSchema) error {
	var fresh []*ent.EventTypeVersionCreate
	var of []NewSchema
	latest := map[string]int32{}
	for _, n := range schemas {
		known := r.next.Types[n.Type]
		if len(known.Versions) > 0 && r.next.has(n) {
			continue
		}
		latest[n.Type] = max(latest[n.Type], int32(known.LatestVersion)) + 1
		fresh = append(fresh, r.tx.EventTypeVersion.Create().SetEventTypeID(known.row).SetVersion(latest[n.Type]).
			SetMessage(n.Message).SetDescriptorSetID(r.sets[n.Hash]).SetCreateTime(r.now).
			SetNillableDescription(nullable(n.Description)).SetNillableOrderingKey(nullable(n.OrderingKey)).
			SetNillableSubject(nullable(n.Subject)))
		of = append(of, n)
	}
	for step := range slices.Chunk(fresh, rowStep) {
		rows, err := r.tx.EventTypeVersion.CreateBulk(step...).Save(ctx)
		if err != nil {
			return err
		}
		for i, row := range rows {
			r.add(of[i].Type, schemaVersion(row, of[i].Files, of[i].Hash))
		}
		of = of[len(rows):]
	}
	return r.advance(ctx, latest)
}

// add makes a version the latest of its type, in a copy of the type.
func (r *registration) add(name string, version *SchemaVersion) {
	updated := *r.next.Types[name]
	updated.Versions = slices.Clip(updated.Versions)
	updated.add(version)
	updated.Revision++
	updated.UpdateTime = fromMicros(r.now)
	r.next.Types[name] = &updated
}

// advance stores the number of the latest version of each type.
func (r *registration) advance(ctx context.Context, latest map[string]int32) error {
	for name, version := range latest {
		known := r.next.Types[name]
		err := r.tx.EventType.UpdateOneID(known.row).SetLatestVersion(version).SetRevision(known.Revision).
			SetUpdateTime(r.now).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// nullable stores the empty text as null.
func nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
