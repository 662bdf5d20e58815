package publish

import (
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/codec"
)

// acceptTyped holds the payload against its schema as strictly as the level asks for:
//
//	                         enforce    warn                   off
//	keeps the schema         stored     stored                 stored
//	breaks a rule            refused    stored, marked         stored
//	JSON that does not fit   refused    stored as text, marked stored as text, marked
//	binary that does not fit refused    refused                refused
//
// Fields that the schema does not have are no part of it where the type ignores them.
//
// A message that does not fit has no JSON form, so no reader could be shown it.
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

// checkMessage refuses a message that is not the type's.
func checkMessage(draft *gateway.Draft, version *schema.Type) error {
	if message := draft.Payload.Message; message != "" && message != version.Message() {
		return gateway.FieldError("event.proto_data",
			"holds a %s; event type %q is a %s", message, draft.Type, version.Message())
	}
	return nil
}

// payloadReader reads the payloads of a type, with its rules or without.
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

// storeTyped takes the canonical payload, and from it what the type's option names.
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
	// What the server filled in is not part of the content.
	return typedHash(draft, canonical), nil
}

// checkKey bounds what is taken from the payload as a subject is bounded that the producer gives.
func checkKey(path, what, value string) error {
	if len(value) <= maxSubjectBytes {
		return nil
	}
	return gateway.FieldError(codec.DataField+"."+path, "is %s, and longer than %d bytes", what, maxSubjectBytes)
}

// storeUnfit takes the JSON text of a payload that the schema cannot hold.
func storeUnfit(
	event *gateway.Event, draft *gateway.Draft, version *schema.Type, violations []gateway.Violation,
) (gateway.ContentHash, error) {
	if draft.Payload.Message != "" {
		return gateway.ContentHash{}, violationError(violations)
	}
	event.Data, event.Unfit, event.Violations = jsonText(draft), version.ID(), violations
	return untypedHash(draft)
}

// violationError names every violation.
func violationError(violations []gateway.Violation) *gateway.Error {
	return &gateway.Error{
		Code: gateway.CodeInvalid, Reason: gateway.ReasonSchemaViolation,
		Message: gateway.Summary(violations), Fields: violations,
	}
}
