package publish

import (
	"cmp"
	"context"
	"errors"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// repeats reports whether an event whose id was used before has the same content after all: the first one was stored under
// another schema version, and the hashes of two versions differ.
func repeats(
	draft *gateway.Draft, event *store.NewEvent, first *store.ConflictError, snapshot *schema.Snapshot,
) bool {
	if first.StoredSchema == event.Event.Schema || event.Hash == first.StoredHash {
		return false
	}
	_, ok := contentOf(draft, first.StoredSchema, first.StoredHash, snapshot, event.Event.Unfit != 0)
	return ok
}

// acceptRepeat accepts a draft that would be refused now, as its schema or what is asked of it has become stricter, when
// it repeats an event that was accepted before: whoever repeats for want of an answer gets the first one. Any other keeps
// its refusal.
func (p *Publisher) acceptRepeat(
	ctx context.Context, tenant *gateway.Tenant, draft *gateway.Draft, snapshot *schema.Snapshot, refused error,
) (store.NewEvent, error) {
	if draft.ID == "" || !becameStricter(refused) {
		return store.NewEvent{}, refused
	}
	first, found, err := p.log.IdentityOf(ctx, tenant.ID, draft.ID)
	if err != nil || !found {
		return store.NewEvent{}, cmp.Or(err, refused)
	}
	data, ok := contentOf(draft, first.Schema, first.Hash, snapshot, true)
	if !ok {
		return store.NewEvent{}, refused
	}
	event := newEvent(tenant, draft)
	event.Schema, event.Data = first.Schema, data
	return store.NewEvent{Event: event, Hash: first.Hash, ClientID: true}, nil
}

// contentOf returns a draft's payload under a stored schema version, and whether its hash is the stored one. Where unfit says that
// the draft does not fit now, the type may have ignored unknown fields when the first one came, so the payload is also read
// without them. One that fits now may not be: then a field that a newer version has would be no part of the content.
func contentOf(
	draft *gateway.Draft, id gateway.SchemaID, stored gateway.ContentHash, snapshot *schema.Snapshot, unfit bool,
) (data []byte, same bool) {
	data, hash, ok := contentUnder(draft, id, snapshot, snapshot.UnknownFields(draft.Type))
	if unfit && (!ok || hash != stored) {
		data, hash, ok = contentUnder(draft, id, snapshot, gateway.IgnoreUnknown)
	}
	return data, ok && hash == stored
}

// becameStricter reports whether the same draft may have been accepted at another time.
func becameStricter(refused error) bool {
	var fault *gateway.Error
	if !errors.As(refused, &fault) {
		return false
	}
	switch fault.Reason {
	case gateway.ReasonSchemaViolation, gateway.ReasonUntypedEvent:
		return true
	default:
		return false
	}
}

// contentUnder is a draft's payload and hash under the schema version with an id, 0 for none; ok is false when it does
// not fit.
func contentUnder(
	draft *gateway.Draft, id gateway.SchemaID, snapshot *schema.Snapshot, unknown gateway.UnknownFields,
) (data []byte, hash gateway.ContentHash, ok bool) {
	if id == 0 {
		if draft.Payload.Message != "" {
			return nil, hash, false
		}
		hash, err := untypedHash(draft)
		return jsonText(draft), hash, err == nil
	}
	version := snapshot.Version(id)
	if version == nil {
		return nil, hash, false
	}
	var reads payloadReader = version
	if unknown == gateway.IgnoreUnknown {
		reads = version.Lenient()
	}
	encode, payload := reads.EncodeJSON, jsonText(draft)
	if draft.Payload.Message != "" {
		encode, payload = reads.EncodeBinary, draft.Payload.Binary
	}
	canonical, violations, err := encode(payload)
	if err != nil || len(violations) > 0 {
		return nil, hash, false
	}
	return canonical, typedHash(draft, canonical), true
}

func idConflict(conflict *store.ConflictError) *gateway.Error {
	err := gateway.FieldError("event.id", "%q was already used with other content", conflict.ID)
	err.Code, err.Reason = gateway.CodeAlreadyExists, gateway.ReasonEventIDConflict
	return err
}
