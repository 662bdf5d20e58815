package schema

import (
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Stored is a stored schema version.
type Stored struct {
	ID gateway.SchemaID
	// Type is the event type. Version counts the versions of the type from 1.
	Type    string
	Version int
	// Message is the full name of the type's message.
	Message string
	// Files is a FileDescriptorSet with the message and everything it needs.
	Files []byte
	// Latest marks the version that new events are checked against.
	Latest bool
	// OrderingKey and Subject are field paths such as "customer.id"; empty means none.
	OrderingKey, Subject string
	// Level and TenantLevels belong to the type; those of its latest version are used. TenantLevels holds the tenants that
	// have a level of their own. The map is shared and must not be changed.
	Level        gateway.Level
	TenantLevels map[gateway.TenantID]gateway.Level
	// UnknownFields belongs to the type as well.
	UnknownFields gateway.UnknownFields
}

// Registry holds the current snapshot of the event types. Its methods are safe for concurrent use, and reading takes no
// lock.
type Registry struct {
	current atomic.Pointer[Snapshot]
	loading sync.Mutex
	bundles bundles
}

// NewRegistry returns a registry without types.
func NewRegistry() *Registry {
	r := &Registry{}
	r.current.Store(&Snapshot{})
	return r
}

// Snapshot returns the current snapshot. A snapshot never changes; Load replaces it.
func (r *Registry) Snapshot() *Snapshot { return r.current.Load() }

// Load replaces the snapshot with one of these versions, which were read at a revision of the registry. It does nothing if
// the current snapshot is newer. Versions are compiled on first use.
func (r *Registry) Load(versions []Stored, revision int64) {
	r.loading.Lock()
	defer r.loading.Unlock()
	old := r.Snapshot()
	if old.versions != nil && old.revision >= revision {
		return
	}
	next := &Snapshot{
		revision: revision,
		latest:   make(map[string]*Type),
		levels:   make(map[string]levels),
		versions: make(map[gateway.SchemaID]*Type, len(versions)),
	}
	for _, stored := range versions {
		one := old.versions[stored.ID]
		if one == nil {
			one = newType(stored, &r.bundles)
		}
		next.versions[stored.ID] = one
		if stored.Latest {
			next.latest[stored.Type] = one
			next.levels[stored.Type] = levels{stored.Level, stored.TenantLevels, stored.UnknownFields}
		}
	}
	r.current.Store(next)
}

// Version returns a stored version.
func (r *Registry) Version(id gateway.SchemaID) (*Type, error) {
	if version := r.Snapshot().versions[id]; version != nil {
		return version, nil
	}
	return nil, fmt.Errorf("schema version %d is not loaded", id)
}

// Render returns a canonical payload of a version as a JSON object without white space.
func (r *Registry) Render(id gateway.SchemaID, canonical []byte) ([]byte, error) {
	version, err := r.Version(id)
	if err != nil {
		return nil, err
	}
	return version.Render(canonical)
}

// RenderDefaults is like Render, but includes fields without presence that are not set, unless they would take more than 1
// MiB.
func (r *Registry) RenderDefaults(id gateway.SchemaID, canonical []byte) ([]byte, error) {
	version, err := r.Version(id)
	if err != nil {
		return nil, err
	}
	return version.RenderDefaults(canonical)
}

// JSON returns an event's payload as a JSON object, in the format that the reader asked for.
func (r *Registry) JSON(event *gateway.Event, format gateway.PayloadFormat) ([]byte, error) {
	if format == gateway.PayloadJSONDefaults && event.Schema != 0 {
		return r.RenderDefaults(event.Schema, event.Data)
	}
	return event.JSON(r.Render)
}

// Snapshot holds the types that were registered at one moment.
type Snapshot struct {
	revision int64
	latest   map[string]*Type
	levels   map[string]levels
	versions map[gateway.SchemaID]*Type

	partsOnce sync.Once
	parts     map[string][]string
}

// levels holds how strictly one type is enforced.
type levels struct {
	usual   gateway.Level
	tenants map[gateway.TenantID]gateway.Level
	unknown gateway.UnknownFields
}

// Level returns how strictly a type is enforced for a tenant. A type without a schema has nothing to enforce.
func (s *Snapshot) Level(tenant gateway.TenantID, name string) gateway.Level {
	of := s.levels[name]
	if own, ok := of.tenants[tenant]; ok {
		return own
	}
	return of.usual
}

// UnknownFields returns how unknown fields of a type are treated.
func (s *Snapshot) UnknownFields(name string) gateway.UnknownFields { return s.levels[name].unknown }

// Revision returns the revision of the registry at which the snapshot was read.
func (s *Snapshot) Revision() int64 { return s.revision }

// Type returns the newest version of an event type; nil when the type has no schema.
func (s *Snapshot) Type(name string) *Type { return s.latest[name] }

// Types iterates over the newest versions of all event types, in no particular order.
func (s *Snapshot) Types() iter.Seq[*Type] { return maps.Values(s.latest) }

// Version returns a stored version, nil when there is none.
func (s *Snapshot) Version(id gateway.SchemaID) *Type { return s.versions[id] }
