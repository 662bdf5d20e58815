package publish

import (
	"context"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// registryTries bounds how often events are checked again because the registry changed in the meantime.
const registryTries = 8

// Log stores accepted events. It is a *store.Store.
type Log interface {
	Append(ctx context.Context, registryRevision int64, events []store.NewEvent) ([]store.Appended, error)
	Cursor(position gateway.Position) gateway.Cursor
	Registry() *store.Registry
	IdentityOf(ctx context.Context, tenant gateway.TenantID, id string) (first store.Identity, found bool, err error)
}

// Publisher accepts events. It is safe for concurrent use.
type Publisher struct {
	log     Log
	schemas *schema.Registry
	ids     idSource
	counts  counts
	shares  shares
}

// New returns a publisher.
func New(log Log, schemas *schema.Registry) *Publisher {
	return &Publisher{log: log, schemas: schemas, shares: shares{of: map[gateway.TenantID]*share{}}}
}

// Publish stores one event. A repeat of the same content with the same id returns the first acknowledgement. For an id that
// was used with other content the error is CodeAlreadyExists. After ctx has ended the outcome is unknown: repeat with the
// same id.
func (p *Publisher) Publish(ctx context.Context, tenant *gateway.Tenant, draft gateway.Draft) (gateway.Ack, error) {
	c := commit{publisher: p, prepared: []Prepared{{tenant: tenant, draft: draft}}, all: theOnlyOne}
	outcomes, err := c.publish(ctx)
	if err != nil {
		return gateway.Ack{}, err
	}
	return outcomes[0].Ack, nil
}

func theOnlyOne(err *gateway.Error, _ int) *gateway.Error { return err }

// PublishBatch stores events in order, all or none. Errors name the index of the event.
func (p *Publisher) PublishBatch(
	ctx context.Context, tenant *gateway.Tenant, drafts []gateway.Draft,
) ([]gateway.Ack, error) {
	if len(drafts) == 0 {
		return nil, gateway.FieldError("events", "must contain an event")
	}
	if len(drafts) > gateway.MaxBatch {
		return nil, gateway.FieldError("events", "has %d events, the limit is %d", len(drafts), gateway.MaxBatch)
	}
	c := commit{publisher: p, prepared: make([]Prepared, len(drafts)), all: (*gateway.Error).AtIndex}
	for i, draft := range drafts {
		c.prepared[i] = Prepared{tenant: tenant, draft: draft}
	}
	outcomes, err := c.publish(ctx)
	if err != nil {
		return nil, err
	}
	acks := make([]gateway.Ack, len(outcomes))
	for i, one := range outcomes {
		acks[i] = one.Ack
	}
	return acks, nil
}

// LoadSchemas loads the stored types into the registry, for all of its users at once. It is cheap when nothing has changed.
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
