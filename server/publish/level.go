package publish

import (
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/codec"
)

// acceptTyped checks the payload against its schema, as strictly as the level demands:
//
//	                         enforce    warn                   off
//	keeps the schema         stored     stored                 stored
//	breaks a rule            refused    stored, marked         stored
//	JSON that does not fit   refused    stored as text, marked stored as text, marked
//	binary that does not fit refused    refused                refused
//
// If the type ignores unknown fields, they are removed from the payload first.
//
// A binary payload that does not fit has no JSON form, so it could not be shown to readers.
func acceptTyped(
	event *gateway.Event, draft *gateway.Draft, version *schema.Type, reads payloadReader, level gateway.Level,
) (gateway.ContentHash, error) {
	if err := checkMessage(draft, version); err != nil {
		return gateway.ContentHash{}, err
	}
	var broken []gateway.Violation
	if level != gateway.LevelOff {
		canonical, violations, err := read(draft, reads.FromJSON, reads.FromBinary)
		if err != nil {
			return gateway.ContentHash{}, err
		}
		if len(violations) == 0 {
			return storeTyped(event, draft, version, canonical)
		}
		if level == gateway.LevelEnforce {
			return gateway.ContentHash{}, violationError(violations)
		}
		broken = violations
	}
	canonical, unfit, err := read(draft, reads.EncodeJSON, reads.EncodeBinary)
	if err != nil {
		return gateway.ContentHash{}, err
	}
	if len(unfit) > 0 {
		return storeUnfit(event, draft, version, unfit)
	}
	event.Violations = broken
	return storeTyped(event, draft, version, canonical)
}

// checkMessage returns an error for a message of another type.
func checkMessage(draft *gateway.Draft, version *schema.Type) error {
	if message := draft.Payload.Message; message != "" && message != version.Message() {
		return gateway.FieldError("event.proto_data",
			"holds a %s; event type %q is a %s", message, draft.Type, version.Message())
	}
	return nil
}

// payloadReader reads the payloads of a type, with or without checking the rules.
type payloadReader interface {
	FromJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error)
	FromBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error)
	EncodeJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error)
	EncodeBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error)
}

type reader func([]byte) (canonical []byte, violations []gateway.Violation, err error)

func read(draft *gateway.Draft, text, binary reader) ([]byte, []gateway.Violation, error) {
	if draft.Payload.Message != "" {
		return binary(draft.Payload.Binary)
	}
	return text(jsonText(draft))
}

// storeTyped sets the canonical payload in the event, and the ordering key and subject that the type's option reads from it.
func storeTyped(
	event *gateway.Event, draft *gateway.Draft, version *schema.Type, canonical []byte,
) (gateway.ContentHash, error) {
	event.Schema, event.Data = version.ID(), canonical
	key, subject, err := version.Keys(canonical)
	if err != nil {
		return gateway.ContentHash{}, err
	}
	event.OrderingKey = key
	if err := checkKey(version.OrderingKey(), "the ordering key", key); err != nil {
		return gateway.ContentHash{}, err
	}
	if event.Subject == "" {
		event.Subject = subject
		if err := checkKey(version.Subject(), "the event's subject", subject); err != nil {
			return gateway.ContentHash{}, err
		}
	}
	// The hash does not cover what the server filled in.
	return typedHash(draft, canonical), nil
}

// checkKey applies the limits of a subject from the producer to a value from the payload.
func checkKey(path, what, value string) error {
	if len(value) <= maxSubjectBytes {
		return nil
	}
	return gateway.FieldError(codec.DataField+"."+path, "is %s, and longer than %d bytes", what, maxSubjectBytes)
}

// storeUnfit sets the JSON text of a payload that the schema cannot hold in the event.
func storeUnfit(
	event *gateway.Event, draft *gateway.Draft, version *schema.Type, violations []gateway.Violation,
) (gateway.ContentHash, error) {
	if draft.Payload.Message != "" {
		return gateway.ContentHash{}, violationError(violations)
	}
	event.Data, event.Unfit, event.Violations = jsonText(draft), version.ID(), violations
	return untypedHash(draft)
}

// violationError returns an error with all violations.
func violationError(violations []gateway.Violation) *gateway.Error {
	return &gateway.Error{
		Code: gateway.CodeInvalid, Reason: gateway.ReasonSchemaViolation,
		Message: gateway.Summary(violations), Fields: violations,
	}
}
