package publish

import (
	"context"
	"errors"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// MaxBatch is how many events one batch may hold.
const MaxBatch = 1000

// registryTries bounds how often events are checked again because the registry changed meanwhile.
const registryTries = 8

// Log is where accepted events go: a *store.Store.
type Log interface {
	Append(ctx context.Context, registryRevision int64, events []store.NewEvent) ([]store.Appended, error)
	Cursor(position gateway.Position) gateway.Cursor
	Registry() *store.Registry
	IdentityOf(ctx context.Context, tenant gateway.TenantID, id string) (first store.Identity, found bool, err error)
}

// Publisher accepts events. It may be used from any goroutine.
type Publisher struct {
	log     Log
	schemas *schema.Registry
	ids     idSource
	counts  counts
	shares  shares
}

// New makes a publisher.
func New(log Log, schemas *schema.Registry) *Publisher {
	return &Publisher{log: log, schemas: schemas, shares: shares{of: map[gateway.TenantID]*share{}}}
}

// Publish stores one event. A repeat of the same content under the same id returns the first acknowledgement; an id that
// was used with other content is CodeAlreadyExists. After ctx has ended the outcome is unknown: repeat with the same id.
func (p *Publisher) Publish(ctx context.Context, tenant *gateway.Tenant, draft gateway.Draft) (gateway.Ack, error) {
	acks, err := p.publish(ctx, tenant, []gateway.Draft{draft}, func(err *gateway.Error, _ int) *gateway.Error { return err })
	if err != nil {
		return gateway.Ack{}, err
	}
	return acks[0], nil
}

// PublishBatch stores events in order, all or none. Errors name the index.
func (p *Publisher) PublishBatch(
	ctx context.Context, tenant *gateway.Tenant, drafts []gateway.Draft,
) ([]gateway.Ack, error) {
	if len(drafts) == 0 {
		return nil, gateway.FieldError("events", "must contain an event")
	}
	if len(drafts) > MaxBatch {
		return nil, gateway.FieldError("events", "has %d events, the limit is %d", len(drafts), MaxBatch)
	}
	return p.publish(ctx, tenant, drafts, (*gateway.Error).AtIndex)
}

// locate says which event of the request an error is about.
type locate func(err *gateway.Error, index int) *gateway.Error

func (p *Publisher) publish(
	ctx context.Context, tenant *gateway.Tenant, drafts []gateway.Draft, at locate,
) ([]gateway.Ack, error) {
	for range registryTries {
		LoadSchemas(p.log, p.schemas)
		snapshot := p.schemas.Snapshot()
		accepted, err := p.accept(ctx, tenant, drafts, snapshot, at)
		if err != nil {
			return nil, err
		}
		acks, err := p.append(ctx, accepted, drafts, snapshot, at)
		if !errors.Is(err, store.ErrRegistryChanged) {
			p.countWarned(accepted, acks, snapshot)
			return acks, err
		}
	}
	return nil, errTypesChange()
}

func errTypesChange() error {
	return gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded, "event types keep changing; try again")
}

// append stores accepted events. One whose id was used before is compared under the schema version of the first.
func (p *Publisher) append(
	ctx context.Context, accepted []store.NewEvent, drafts []gateway.Draft, snapshot *schema.Snapshot, at locate,
) ([]gateway.Ack, error) {
	for {
		appended, err := p.store(ctx, snapshot.Revision(), accepted)
		var conflict *store.ConflictError
		if !errors.As(err, &conflict) {
			return p.acks(accepted, appended), err
		}
		event := &accepted[conflict.Index]
		if !repeats(&drafts[conflict.Index], event, conflict, snapshot) {
			return nil, at(idConflict(conflict), conflict.Index)
		}
		event.Hash = conflict.StoredHash
	}
}

func (p *Publisher) acks(accepted []store.NewEvent, appended []store.Appended) []gateway.Ack {
	acks := make([]gateway.Ack, len(appended))
	for i, one := range appended {
		acks[i] = gateway.Ack{
			ID: accepted[i].Event.ID, Cursor: p.log.Cursor(one.Position), Duplicate: one.Duplicate,
		}
	}
	return acks
}

// LoadSchemas puts what is stored into the registry, whose users all see it at once. It costs next to nothing when there
// is nothing new.
func LoadSchemas(log Log, registry *schema.Registry) {
	now := log.Registry()
	if registry.Snapshot().Revision() >= now.Revision {
		return
	}
	var stored []schema.Stored
	for _, kind := range now.Types {
		for _, v := range kind.Versions {
			stored = append(stored, schema.Stored{
				ID: v.ID, Type: kind.Name, Version: v.Version, Message: v.Message, Files: v.Files,
				Latest: v.Version == kind.LatestVersion, OrderingKey: v.OrderingKey, Subject: v.Subject,
				Level: kind.Level, TenantLevels: kind.TenantLevels, UnknownFields: kind.UnknownFields,
			})
		}
	}
	registry.Load(stored, now.Revision)
}
