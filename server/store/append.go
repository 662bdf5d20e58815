package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// NewEvent is an event to be stored. Append sets its Position and AcceptTime.
type NewEvent struct {
	Event *gateway.Event
	// Hash covers what the client supplied and the canonical payload.
	Hash gateway.ContentHash
	// ClientID means that the client chose the id, so an earlier event may already have it.
	ClientID bool
}

// Appended is the position of an event. Duplicate means that the event was stored by an earlier request.
type Appended struct {
	Position  gateway.Position
	Duplicate bool
}

// ConflictError means that an id was already used with other content. For a typed event the caller may compare again, in the
// schema version with which the first event was stored.
type ConflictError struct {
	Index        int
	ID           string
	StoredHash   gateway.ContentHash
	StoredSchema gateway.SchemaID
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("event id %q was already used with other content", e.ID)
}

type appendRequest struct {
	ctx      context.Context
	revision int64
	events   []NewEvent
	size     int
	results  []Appended
	err      error
	done     chan struct{}
}

func (r *appendRequest) fail(err error) {
	r.err = err
	close(r.done)
}

// Append stores all events of a request or none. It returns after the commit, when the events are on disk. registryRevision
// is the revision of the registry that the events were checked against.
//
// Errors: *ConflictError, ErrRegistryChanged, *gateway.Error (queue full, disk full, stopping, text that cannot be stored).
// When ctx ends first, the outcome is unknown: repeat with the same ids. From the call on the events belong to the store,
// also when ctx ends first.
func (s *Store) Append(ctx context.Context, registryRevision int64, events []NewEvent) ([]Appended, error) {
	r := &appendRequest{ctx: ctx, revision: registryRevision, events: events, done: make(chan struct{})}
	for i := range events {
		if err := Storable(events[i].Event); err != nil {
			return nil, err
		}
		r.size += events[i].Event.Size()
	}
	if err := s.queue.pushAppend(r); err != nil {
		return nil, err
	}
	select {
	case <-r.done:
		return r.results, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Storable returns an error for text that PostgreSQL cannot hold and that would fail the whole group there. Append refuses a
// request as a whole if one of its events is not storable.
func Storable(e *gateway.Event) error {
	for _, field := range []struct{ name, text string }{
		{"event.id", e.ID},
		{"event.type", e.Type},
		{"event.source", e.Source},
		{"event.subject", e.Subject},
		{"event.data", e.OrderingKey},
	} {
		if !plainText(field.text) {
			return gateway.FieldError(field.name, "must be UTF-8 without NUL characters")
		}
	}
	return nil
}

// appendPlan holds the outcome of each request of a group.
type appendPlan struct {
	insert   []*NewEvent
	accepted []*appendRequest
	// ids holds those ids of insert that a client may repeat.
	ids         map[identityKey]identity
	bytes       int
	head        gateway.Position
	accept      int64
	lastSubject gateway.Position
	// inConflict means that two requests of the group use one id with different content. The stored ids decide which of them
	// is refused.
	inConflict bool
}

func (p *appendPlan) events() []*gateway.Event {
	events := make([]*gateway.Event, len(p.insert))
	for i, e := range p.insert {
		events[i] = e.Event
	}
	return events
}

func (p *appendPlan) finish() {
	for _, r := range p.accepted {
		close(r.done)
	}
}

// resolve detects duplicate and conflicting ids before anything is inserted: within each request, within the group and, if
// stored is given, against the table. A conflict fails only its own request, and only once the table was read: the event
// that seems to be first may be refused itself.
func (w *writer) resolve(requests []*appendRequest, stored map[identityKey]identity) appendPlan {
	plan := appendPlan{
		head: w.Head(), insert: make([]*NewEvent, 0, len(requests)), accepted: make([]*appendRequest, 0, len(requests)),
		ids: make(map[identityKey]identity, len(requests)),
	}
	for _, r := range requests {
		if r.err != nil {
			continue
		}
		if err := w.admissible(r); err != nil {
			r.fail(err)
			continue
		}
		err := plan.resolveRequest(r, stored)
		if err != nil && stored == nil {
			plan.inConflict = true
			return plan
		}
		if err != nil {
			r.fail(err)
			continue
		}
		plan.accepted = append(plan.accepted, r)
		plan.bytes += r.size
	}
	return plan
}

func (w *writer) admissible(r *appendRequest) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.revision != w.RegistryRevision() {
		return ErrRegistryChanged
	}
	return nil
}

// resolveRequest assigns each event of a request the next position, or the position of the event that it repeats. A
// conflicting request leaves the plan unchanged.
func (p *appendPlan) resolveRequest(r *appendRequest, stored map[identityKey]identity) error {
	before := len(p.insert)
	r.results = make([]Appended, len(r.events))
	for i := range r.events {
		e := &r.events[i]
		first, known := p.identify(e, stored)
		if known && first.hash != e.Hash {
			p.forget(before)
			return conflict(i, e, first)
		}
		if !known {
			p.insert = append(p.insert, e)
			e.Event.Position = first.position
		}
		r.results[i] = Appended{Position: first.position, Duplicate: known}
	}
	return nil
}

// identify returns the event that already has the id. If there is none, it assigns the id to this event at the next
// position.
func (p *appendPlan) identify(e *NewEvent, stored map[identityKey]identity) (first identity, known bool) {
	// Ids that the server made are unique and need no look-up. The index would detect a collision.
	checked := e.ClientID || stored != nil
	key := identityKey{e.Event.Tenant, e.Event.ID}
	if checked {
		if first, ok := lookUp(key, p.ids, stored); ok {
			return first, true
		}
	}
	p.head++
	first = identity{p.head, e.Hash, e.Event.Schema}
	if checked {
		p.ids[key] = first
	}
	return first, false
}

// forget removes the events from the n-th on from the plan.
func (p *appendPlan) forget(n int) {
	for _, e := range p.insert[n:] {
		delete(p.ids, identityKey{e.Event.Tenant, e.Event.ID})
	}
	p.head -= gateway.Position(len(p.insert) - n)
	p.insert = p.insert[:n]
}

func lookUp(key identityKey, group, stored map[identityKey]identity) (identity, bool) {
	if first, ok := group[key]; ok {
		return first, true
	}
	first, ok := stored[key]
	return first, ok
}

func conflict(index int, e *NewEvent, first identity) error {
	return &ConflictError{
		Index: index, ID: e.Event.ID,
		StoredHash: first.hash, StoredSchema: first.schema,
	}
}

var (
	errLogMoved       = errors.New("the log was written by another process")
	errOutcomeUnknown = errors.New("it is unknown whether the commit was made")
)

// insertEvents writes the events of the plan. It updates the log's row first: on PostgreSQL the lock on that row makes the
// order of commits equal the order of positions.
func (w *writer) insertEvents(ctx context.Context, tx *sql.Tx, plan *appendPlan) error {
	if len(plan.insert) == 0 {
		return nil
	}
	plan.accept = max(micros(time.Now()), w.lastAccept)
	var head, revision int64
	err := tx.StmtContext(ctx, w.statements.advance).
		QueryRowContext(ctx, len(plan.insert), plan.accept, shard).Scan(&head, &revision)
	if err != nil {
		return fmt.Errorf("advance log: %w", err)
	}
	if gateway.Position(head) != plan.head || revision != w.RegistryRevision() {
		return errLogMoved
	}
	accepted, acceptTime := fromMicros(plan.accept), any(plan.accept)
	for _, e := range plan.insert {
		e.Event.AcceptTime = accepted
		if e.Event.Time.IsZero() {
			e.Event.Time = accepted
		}
		if e.Event.Subject != "" {
			plan.lastSubject = e.Event.Position
		}
		w.addEventRows(e, acceptTime)
	}
	for _, insert := range []*bulkInsert{w.statements.identity, w.statements.event, w.statements.payload} {
		if err := insert.flush(ctx, tx); err != nil {
			w.statements.event.reset()
			w.statements.payload.reset()
			return err
		}
	}
	return nil
}

var (
	eventColumns = []string{
		"position", "tenant_id", "event_id", "type", "source", "subject", "time_seconds", "time_nanos", "accept_time", "schema_id",
		"violations", "ordering_key",
	}
	payloadColumns  = []string{"position", "data"}
	identityColumns = []string{"position", "tenant_id", "event_id", "hash", "schema_id"}
)

// addEventRows converts each value to an interface only once for all columns that hold it.
func (w *writer) addEventRows(n *NewEvent, acceptTime any) {
	e := n.Event
	position, tenant, id := any(int64(e.Position)), any(int64(e.Tenant)), any(e.ID)
	schema := nullInt(int64(e.Schema))
	w.statements.identity.add(position, tenant, id, n.Hash[:], schema)
	w.statements.event.add(position, tenant, id, e.Type, e.Source, nullText(e.Subject),
		e.Time.Unix(), int64(e.Time.Nanosecond()), acceptTime, schema, encodeViolations(e), nullText(e.OrderingKey))
	w.statements.payload.add(position, e.Data)
}

// nullInt and nullText store zero values as null.
func nullInt(v int64) any {
	if v == 0 {
		return nil
	}
	return v
}

func nullText(v string) any {
	if v == "" {
		return nil
	}
	return v
}
