package publish

import (
	"context"
	"errors"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// Prepared is an event that was checked and is to be stored, or one that is refused.
type Prepared struct {
	tenant   *gateway.Tenant
	draft    gateway.Draft
	snapshot *schema.Snapshot
	event    store.NewEvent
	refused  *gateway.Error
}

// Refused makes a Prepared of what is refused for a reason that is not the publisher's.
func Refused(id string, why *gateway.Error) Prepared {
	return Prepared{draft: gateway.Draft{ID: id}, refused: why}
}

// Size is about how much memory it takes.
func (one *Prepared) Size() int {
	size := len(one.draft.Payload.JSON) + len(one.draft.Payload.Binary)
	if one.event.Event != nil {
		size += one.event.Event.Size()
	}
	return size
}

// Outcome is what has become of one of several events. Without Refused it is stored.
type Outcome struct {
	gateway.Ack
	Refused *gateway.Error
}

// Prepare checks an event, which is most of the work of publishing it. The error is one of the server, not of the event.
func (p *Publisher) Prepare(ctx context.Context, tenant *gateway.Tenant, draft gateway.Draft) (Prepared, error) {
	one := Prepared{tenant: tenant, draft: draft}
	err := p.prepare(ctx, &one)
	return one, err
}

// prepare checks an event under the types as they are now.
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

// PublishEach stores events in their order with one commit, each for itself: that one is refused does not touch the
// others. After an error the outcome of all is unknown, and those with an id can be repeated.
func (p *Publisher) PublishEach(ctx context.Context, prepared []Prepared) ([]Outcome, error) {
	c := commit{publisher: p, prepared: prepared}
	return c.run(ctx)
}

// commit is events that are stored with one append to the log.
type commit struct {
	publisher *Publisher
	prepared  []Prepared
	// all is set where all events are stored or none: the first refusal is the error of the commit, and all says which event it is
	// about. Without it, each event is for itself.
	all locate
}

// locate says which event of a request an error is about.
type locate func(err *gateway.Error, index int) *gateway.Error

// publish checks the events and stores them.
func (c *commit) publish(ctx context.Context) ([]Outcome, error) {
	if err := c.prepare(ctx); err != nil {
		return nil, err
	}
	return c.run(ctx)
}

// run stores the events, again for as long as the types change meanwhile.
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

// prepare checks what is not refused. Where all or none are stored, it reports the refusals together.
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

// append stores what is not refused. An event whose id was used before is compared under the schema version of the first one. Conflicts are
// settled for all events at once, so that a client whose every event is one costs the writer a second try and no more.
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
		// The outcome of the one that the store names is certain, whatever is found for the others.
		if err := c.settle(c.place(conflict.Index), conflict); err != nil {
			return nil, err
		}
		if err := c.settleAll(ctx); err != nil {
			return nil, err
		}
	}
}

// pending returns the events that are to be stored, and the revision of the types that the first one was checked under: one that was
// checked later, under other types, makes the store ask for all to be checked again.
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

// place returns which of the prepared events is the nth of those that are pending.
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

// outcomes returns what has become of each event; appended is about those that are not refused.
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
		if !first.Duplicate { // A repeat was counted the first time.
			c.publisher.countWarned(one.event.Event, one.snapshot)
		}
	}
	return outcomes
}

// settle decides about an event whose id was used before: it repeats the first one, or is refused.
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

// settleAll settles what conflicts with stored events or with an earlier one of the commit.
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
