package publish

import (
	"unicode/utf8"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/store"
)

// maxFaults bounds the faults that are reported for one batch.
const maxFaults = 100

// Limits of the contract, which count characters.
const (
	maxSourceBytes  = utf8.UTFMax * gateway.MaxSourceLength
	maxSubjectBytes = utf8.UTFMax * gateway.MaxSubjectLength
)

// join adds the fields of a further fault of the same kind. Of faults of different kinds it reports the first.
func join(faults, fault *gateway.Error) *gateway.Error {
	if faults == nil {
		return fault
	}
	if faults.Reason != fault.Reason || len(faults.Fields) == 0 || len(fault.Fields) == 0 {
		return faults
	}
	joined := *faults
	joined.Fields = append(joined.Fields, fault.Fields...)
	joined.Message = gateway.Summary(joined.Fields)
	return &joined
}

func (p *Publisher) acceptOne(
	tenant *gateway.Tenant, draft *gateway.Draft, snapshot *schema.Snapshot,
) (store.NewEvent, error) {
	if err := checkAttributes(draft); err != nil {
		return store.NewEvent{}, err
	}
	if err := checkSize(draft.Payload); err != nil {
		return store.NewEvent{}, err
	}
	event := newEvent(tenant, draft)
	hash, err := acceptPayload(event, draft, tenant, snapshot)
	if err != nil {
		return store.NewEvent{}, err
	}
	if event.ID == "" {
		event.ID = p.ids.next()
	}
	return store.NewEvent{Event: event, Hash: hash, ClientID: draft.ID != ""}, nil
}

// newEvent returns the event of a draft, without its payload.
func newEvent(tenant *gateway.Tenant, draft *gateway.Draft) *gateway.Event {
	event := &gateway.Event{
		Tenant: tenant.ID, ID: draft.ID, Type: draft.Type, Source: draft.Source, Subject: draft.Subject,
	}
	if draft.Time != nil {
		// If the draft has no time, the store sets the time of receipt.
		event.Time = draft.Time.UTC()
	}
	if event.Source == "" {
		event.Source = gateway.DefaultSource
	}
	return event
}

func checkAttributes(draft *gateway.Draft) error {
	switch {
	case draft.Type == "":
		return gateway.FieldError("event.type", "is required")
	case !gateway.ValidType(draft.Type):
		return gateway.FieldError("event.type", "must be segments of letters, digits, _ and -, separated by dots, "+
			"and at most %d characters", gateway.MaxTypeLength)
	case draft.ID != "" && !gateway.ValidEventID(draft.ID):
		return gateway.FieldError("event.id", "must be 1 to 64 letters, digits and the characters _ : -")
	case len(draft.Source) > maxSourceBytes:
		return gateway.FieldError("event.source", "is longer than %d bytes", maxSourceBytes)
	case len(draft.Subject) > maxSubjectBytes:
		return gateway.FieldError("event.subject", "is longer than %d bytes", maxSubjectBytes)
	case draft.Time != nil && draft.Time.IsZero():
		return gateway.FieldError("event.time", "must be after 0001-01-01T00:00:00Z")
	}
	return nil
}

func checkSize(payload gateway.Payload) error {
	size := max(len(payload.JSON), len(payload.Binary))
	if size <= gateway.MaxDataBytes {
		return nil
	}
	err := gateway.FieldError(codec.DataField, "has %d bytes, the limit is %d", size, gateway.MaxDataBytes)
	err.Reason = gateway.ReasonTooLarge
	return err
}

// acceptPayload checks the payload, sets the stored form in the event and returns the hash of the content.
func acceptPayload(
	event *gateway.Event, draft *gateway.Draft, tenant *gateway.Tenant, snapshot *schema.Snapshot,
) (gateway.ContentHash, error) {
	version := snapshot.Type(draft.Type)
	if version == nil {
		return acceptUntyped(event, draft, tenant)
	}
	level := snapshot.Level(tenant.ID, draft.Type)
	if snapshot.UnknownFields(draft.Type) == gateway.RefuseUnknown {
		return acceptTyped(event, draft, version, version, level)
	}
	lenient := version.Lenient()
	hash, err := acceptTyped(event, draft, version, lenient, level)
	if paths, some := lenient.Ignored(); some && err == nil {
		event.Ignored = &gateway.IgnoredFields{Paths: paths}
	}
	return hash, err
}

func acceptUntyped(event *gateway.Event, draft *gateway.Draft, tenant *gateway.Tenant) (gateway.ContentHash, error) {
	if tenant.TypedOnly {
		err := gateway.FieldError("event.type",
			"%q has no schema, and tenant %q accepts only events whose type has one", draft.Type, tenant.Name)
		err.Reason = gateway.ReasonUntypedEvent
		return gateway.ContentHash{}, err
	}
	if draft.Payload.Message != "" {
		return gateway.ContentHash{}, gateway.FieldError("event.proto_data",
			"event type %q has no schema; send json_data", draft.Type)
	}
	event.Data = jsonText(draft)
	return untypedHash(draft)
}

// jsonText returns the JSON payload of a draft, an empty object if there is none.
func jsonText(draft *gateway.Draft) []byte {
	if draft.Payload.JSON == nil {
		return []byte("{}")
	}
	return draft.Payload.JSON
}
