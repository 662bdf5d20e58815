package publish

import (
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
)

// repeats says whether an event whose id was used before has the same content after all: the first one was stored under
// another schema version, and the hashes of two versions differ.
func repeats(
	draft *gateway.Draft, event *store.NewEvent, first *store.ConflictError, snapshot *schema.Snapshot,
) bool {
	if first.StoredSchema == event.Event.Schema || event.Hash == first.StoredHash {
		return false
	}
	hash, ok := hashUnder(draft, first.StoredSchema, snapshot)
	return ok && hash == first.StoredHash
}

// hashUnder is the hash of a draft under the schema version with an id, 0 for none; ok is false when it does not fit.
func hashUnder(draft *gateway.Draft, id gateway.SchemaID, snapshot *schema.Snapshot) (hash gateway.ContentHash, ok bool) {
	if id == 0 {
		if draft.Payload.Message != "" {
			return hash, false
		}
		hash, err := untypedHash(draft)
		return hash, err == nil
	}
	version := snapshot.Version(id)
	if version == nil {
		return hash, false
	}
	encode, payload := version.EncodeJSON, jsonText(draft)
	if draft.Payload.Message != "" {
		encode, payload = version.EncodeBinary, draft.Payload.Binary
	}
	canonical, violations, err := encode(payload)
	if err != nil || len(violations) > 0 {
		return hash, false
	}
	return typedHash(draft, canonical), true
}

func idConflict(conflict *store.ConflictError) *gateway.Error {
	err := gateway.FieldError("event.id", "%q was used before with other content", conflict.ID)
	err.Code, err.Reason = gateway.CodeAlreadyExists, gateway.ReasonEventIDConflict
	return err
}
