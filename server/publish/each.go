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
func (p *Prepared) Size() int {
	size := len(p.draft.Payload.JSON) + len(p.draft.Payload.Binary)
	if p.event.Event != nil {
		size += p.event.Event.Size()
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
	LoadSchemas(p.log, p.schemas)
	one := Prepared{tenant: tenant, draft: draft, snapshot: p.schemas.Snapshot()}
	event, err := p.acceptOne(tenant, &one.draft, one.snapshot)
	if err != nil {
		event, err = p.acceptRepeat(ctx, tenant, &one.draft, one.snapshot, err)
	}
	if err == nil {
		err = store.Storable(event.Event)
	}
	if err != nil && !errors.As(err, &one.refused) {
		return one, err
	}
	if one.refused != nil {
		p.countRefused(tenant, &one.draft, one.refused)
	}
	one.event = event
	return one, nil
}

// PublishEach stores events in their order with one commit, each for itself: that one is refused does not touch the
// others. After an error the outcome of all is unknown, and those with an id can be repeated.
func (p *Publisher) PublishEach(ctx context.Context, prepared []Prepared) ([]Outcome, error) {
	each := &each{publisher: p, prepared: prepared, outcomes: make([]Outcome, len(prepared))}
	for range registryTries {
		err := each.append(ctx)
		if !errors.Is(err, store.ErrRegistryChanged) {
			return each.outcomes, err
		}
		if err := each.prepareAgain(ctx); err != nil {
			return nil, err
		}
	}
	return nil, errTypesChange()
}

// each is one call of PublishEach.
type each struct {
	publisher *Publisher
	prepared  []Prepared
	outcomes  []Outcome
}

// append stores what is not refused. A conflict is settled for all events at once, so that a client whose every event is
// one costs the writer a second try and no more.
func (e *each) append(ctx context.Context) error {
	for {
		events, index := e.pending()
		if len(events) == 0 {
			return nil
		}
		snapshot := e.prepared[index[0]].snapshot
		appended, err := e.publisher.store(ctx, snapshot.Revision(), events)
		var conflict *store.ConflictError
		if !errors.As(err, &conflict) {
			if err == nil {
				e.stored(events, index, appended)
			}
			return err
		}
		// The outcome of the one that the store names is certain, whatever is found for the others.
		e.settle(index[conflict.Index], conflict)
		if err := e.settleAll(ctx, index); err != nil {
			return err
		}
	}
}

// pending returns the events that are to be stored, and which of the prepared ones they are.
func (e *each) pending() (events []store.NewEvent, index []int) {
	for i := range e.prepared {
		if one := &e.prepared[i]; one.refused == nil {
			events, index = append(events, one.event), append(index, i)
		} else {
			e.outcomes[i] = Outcome{Ack: gateway.Ack{ID: one.draft.ID}, Refused: one.refused}
		}
	}
	return events, index
}

func (e *each) stored(events []store.NewEvent, index []int, appended []store.Appended) {
	acks := e.publisher.acks(events, appended)
	for i, ack := range acks {
		e.outcomes[index[i]] = Outcome{Ack: ack}
		e.publisher.countWarned(events[i:i+1], acks[i:i+1], e.prepared[index[i]].snapshot)
	}
}

// settle decides about an event whose id was used before: it repeats the first one, or is refused.
func (e *each) settle(i int, first *store.ConflictError) {
	one := &e.prepared[i]
	if repeats(&one.draft, &one.event, first, one.snapshot) {
		one.event.Hash = first.StoredHash
		return
	}
	errors.As(idConflict(first), &one.refused)
}

// settleAll settles what conflicts with stored events or with an earlier one of the call.
func (e *each) settleAll(ctx context.Context, index []int) error {
	earlier := map[string]store.Identity{}
	for _, i := range index {
		one := &e.prepared[i]
		if one.refused != nil || !one.event.ClientID {
			continue
		}
		id := one.event.Event.ID
		first, found, err := e.publisher.log.IdentityOf(ctx, one.tenant.ID, id)
		if err != nil {
			return err
		}
		if !found {
			first, found = earlier[id]
		}
		if found && first.Hash != one.event.Hash {
			e.settle(i, &store.ConflictError{ID: id, StoredHash: first.Hash, StoredSchema: first.Schema})
		}
		if !found {
			earlier[id] = store.Identity{Hash: one.event.Hash, Schema: one.event.Event.Schema}
		}
	}
	return nil
}

// prepareAgain checks what is not refused under the types as they are now.
func (e *each) prepareAgain(ctx context.Context) error {
	for i := range e.prepared {
		one := &e.prepared[i]
		if one.refused != nil {
			continue
		}
		again, err := e.publisher.Prepare(ctx, one.tenant, one.draft)
		if err != nil {
			return err
		}
		*one = again
	}
	return nil
}
