package publish

import (
	"context"
	"errors"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// Prepared is an event that was checked: it can be stored, or it is refused.
type Prepared struct {
	tenant   *gateway.Tenant
	draft    gateway.Draft
	snapshot *schema.Snapshot
	event    store.NewEvent
	refused  *gateway.Error
}

// Refused returns a Prepared for an event that is refused for a reason that the publisher did not cause.
func Refused(id string, why *gateway.Error) Prepared {
	return Prepared{draft: gateway.Draft{ID: id}, refused: why}
}

// Size returns about how much memory the event takes.
func (one *Prepared) Size() int {
	size := len(one.draft.Payload.JSON) + len(one.draft.Payload.Binary)
	if one.event.Event != nil {
		size += one.event.Event.Size()
	}
	return size
}

// Outcome is the outcome of one of several events. Without Refused the event is stored.
type Outcome struct {
	gateway.Ack
	Refused *gateway.Error
}

// Prepare checks an event, which is most of the work of publishing it. An error is a fault of the server, not of the event.
func (p *Publisher) Prepare(ctx context.Context, tenant *gateway.Tenant, draft gateway.Draft) (Prepared, error) {
	one := Prepared{tenant: tenant, draft: draft}
	err := p.prepare(ctx, &one)
	return one, err
}

// prepare checks an event against the current types.
func (p *Publisher) prepare(ctx context.Context, one *Prepared) error {
	LoadSchemas(p.log, p.schemas)
	one.snapshot = p.schemas.Snapshot()
	event, err := p.acceptOne(one.tenant, &one.draft, one.snapshot)
	if err != nil {
		event, err = p.acceptRepeat(ctx, one.tenant, &one.draft, one.snapshot, err)
	}
	if err == nil {
		err = store.Storable(event.Event)
	}
	if err != nil && !errors.As(err, &one.refused) {
		return err
	}
	if one.refused != nil {
		p.countRefused(one.tenant, &one.draft, one.refused)
	}
	one.event = event
	return nil
}

// PublishEach stores events in order with one commit, but independently: a refused event does not affect the others. After
// an error the outcome of all events is unknown, and those with an id can be repeated.
func (p *Publisher) PublishEach(ctx context.Context, prepared []Prepared) ([]Outcome, error) {
	c := commit{publisher: p, prepared: prepared}
	return c.run(ctx)
}

// commit holds events that one append to the log stores.
type commit struct {
	publisher *Publisher
	prepared  []Prepared
	// all is set if either all events are stored or none. Then the first refusal is the error of the commit, and all adds to
	// the error which event it is about. If all is nil, each event is stored or refused on its own.
	all locate
}

// locate adds to an error which event of a request it is about.
type locate func(err *gateway.Error, index int) *gateway.Error

// publish checks the events and stores them.
func (c *commit) publish(ctx context.Context) ([]Outcome, error) {
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	return c.run(ctx)
}

// run stores the events. It repeats as long as the types change in the meantime.
func (c *commit) run(ctx context.Context) ([]Outcome, error) {
	for range registryTries {
		appended, err := c.append(ctx)
		if err == nil {
			return c.outcomes(appended), nil
		}
		if !errors.Is(err, store.ErrRegistryChanged) {
			return nil, err
		}
		if err := c.prepare(ctx); err != nil {
			return nil, err
		}
	}
	return nil, gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded, "event types keep changing; try again")
}

// prepare checks the events that are not refused. If all or none are stored, it returns all refusals together.
func (c *commit) prepare(ctx context.Context) error {
	var faults *gateway.Error
	for i := range c.prepared {
		one := &c.prepared[i]
		if one.refused != nil {
			continue
		}
		if err := c.publisher.prepare(ctx, one); err != nil {
			return err
		}
		if c.all == nil || one.refused == nil {
			continue
		}
		if faults = join(faults, c.all(one.refused, i)); len(faults.Fields) >= maxFaults {
			break
		}
	}
	if faults != nil {
		return faults
	}
	return nil
}

// append stores the events that are not refused. An event whose id was used before is compared in the schema version of the
// stored event. All conflicts are resolved at once, so that a client whose events all conflict costs the writer only a
// second try.
func (c *commit) append(ctx context.Context) ([]store.Appended, error) {
	for {
		events, revision := c.pending()
		if len(events) == 0 {
			return nil, nil
		}
		appended, err := c.publisher.store(ctx, revision, events)
		var conflict *store.ConflictError
		if !errors.As(err, &conflict) {
			return appended, err
		}
		// The conflict that the store names is certain, whatever the others turn out to be.
		if err := c.settle(c.place(conflict.Index), conflict); err != nil {
			return nil, err
		}
		if err := c.settleAll(ctx); err != nil {
			return nil, err
		}
	}
}

// pending returns the events to store, and the revision of the types that the first of them was checked against. If another
// event was checked later, against other types, the store asks to check all of them again.
func (c *commit) pending() (events []store.NewEvent, revision int64) {
	events = make([]store.NewEvent, 0, len(c.prepared))
	for i := range c.prepared {
		one := &c.prepared[i]
		if one.refused != nil {
			continue
		}
		if len(events) == 0 {
			revision = one.snapshot.Revision()
		}
		events = append(events, one.event)
	}
	return events, revision
}

// place returns the index, among the prepared events, of the nth pending one.
func (c *commit) place(nth int) int {
	for i := range c.prepared {
		if c.prepared[i].refused != nil {
			continue
		}
		if nth == 0 {
			return i
		}
		nth--
	}
	panic("publish: the store names an event that it was not given")
}

// outcomes returns the outcome of each event. appended has the results of the events that are not refused.
func (c *commit) outcomes(appended []store.Appended) []Outcome {
	outcomes := make([]Outcome, len(c.prepared))
	for i := range c.prepared {
		one := &c.prepared[i]
		if one.refused != nil {
			outcomes[i] = Outcome{Ack: gateway.Ack{ID: one.draft.ID}, Refused: one.refused}
			continue
		}
		first := appended[0]
		appended = appended[1:]
		outcomes[i].Ack = gateway.Ack{ID: one.event.Event.ID, Cursor: c.publisher.log.Cursor(first.Position), Duplicate: first.Duplicate}
		if !first.Duplicate { // a repeat was counted with the first event
			c.publisher.countWarned(one.event.Event, one.snapshot)
		}
	}
	return outcomes
}

// settle decides about an event whose id was used before: it is either a repeat of the stored event, or refused.
func (c *commit) settle(i int, first *store.ConflictError) error {
	one := &c.prepared[i]
	if repeats(&one.draft, &one.event, first, one.snapshot) {
		one.event.Hash = first.StoredHash
		return nil
	}
	one.refused = idConflict(first)
	if c.all != nil {
		return c.all(one.refused, i)
	}
	return nil
}

// settleAll resolves conflicts with stored events and with earlier events of the commit.
func (c *commit) settleAll(ctx context.Context) error {
	earlier := map[string]store.Identity{}
	for i := range c.prepared {
		one := &c.prepared[i]
		if one.refused != nil || !one.event.ClientID {
			continue
		}
		id := one.event.Event.ID
		first, found, err := c.publisher.log.IdentityOf(ctx, one.tenant.ID, id)
		if err != nil {
			return err
		}
		if !found {
			first, found = earlier[id]
		}
		if found && first.Hash != one.event.Hash {
			err = c.settle(i, &store.ConflictError{ID: id, StoredHash: first.Hash, StoredSchema: first.Schema})
		}
		if err != nil {
			return err
		}
		if !found {
			earlier[id] = store.Identity{Hash: one.event.Hash, Schema: one.event.Event.Schema}
		}
	}
	return nil
}
