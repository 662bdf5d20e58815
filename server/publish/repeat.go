package publish

import (
	"cmp"
	"context"
	"errors"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// repeats reports whether an event whose id was used before has the same content after all. The first event may have been
// stored in another schema version, and hashes of different versions differ.
func repeats(
	draft *gateway.Draft, event *store.NewEvent, first *store.ConflictError, snapshot *schema.Snapshot,
) bool {
	if first.StoredSchema == event.Event.Schema || event.Hash == first.StoredHash {
		return false
	}
	_, ok := contentOf(draft, first.StoredSchema, first.StoredHash, snapshot, event.Event.Unfit != 0)
	return ok
}

// acceptRepeat handles a draft that is refused now, because its schema or level has become stricter. If the draft repeats a
// stored event, the producer gets the acknowledgement of that event: it may repeat because it got no response. Any other
// draft stays refused.
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

// contentOf returns a draft's payload in a stored schema version, and whether its hash is the stored one. If unfit, the
// draft does not fit the current type; the type may have ignored unknown fields when the first event came, so the payload is
// also read without them. A draft that fits is not read that way: a field of a newer version would not be part of the
// content.
func contentOf(
	draft *gateway.Draft, id gateway.SchemaID, stored gateway.ContentHash, snapshot *schema.Snapshot, unfit bool,
) (data []byte, same bool) {
	data, hash, ok := contentUnder(draft, id, snapshot, snapshot.UnknownFields(draft.Type))
	if unfit && (!ok || hash != stored) {
		data, hash, ok = contentUnder(draft, id, snapshot, gateway.IgnoreUnknown)
	}
	return data, ok && hash == stored
}

// becameStricter reports whether the same draft may have been accepted earlier.
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

// contentUnder returns a draft's payload and hash in the schema version with an id, 0 for none. ok is false when the payload
// does not fit the version.
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
