package gateway

import (
	"sync/atomic"
	"time"
)

// Position is an event's place in the log: without holes, from 1, strictly increasing in commit order, never reused.
type Position int64

// TenantID identifies a tenant inside the server; users see the name. 0 means none (server-scoped).
type TenantID int64

// SchemaID identifies one stored version of one event type's schema. 0 means untyped.
type SchemaID int64

// ContentHash is the first half of a SHA-256 over what the client supplied and the canonical payload.
type ContentHash [16]byte

// DefaultSource is the source of an event whose producer sent none.
const DefaultSource = "postrider"

// Limits of an event, and of a batch of events. Lengths are in characters; the characters of ids and types have one byte
// each. MaxDataDepth counts nested objects and arrays. The rules in proto/postrider/v1/event.proto, the JSON reader in
// server/wire and the checks in server/publish apply these limits; TestLimits in server/wire compares them.
const (
	MaxIDLength      = 64
	MaxTypeLength    = 255
	MaxSourceLength  = 512
	MaxSubjectLength = 512
	MaxDataBytes     = 1 << 20
	MaxDataDepth     = 100
	MaxBatch         = 1000
)

// PayloadFormat is the form in which a reader gets payloads.
type PayloadFormat uint8

// The formats. Values are stored, and are those of the contract.
const (
	// PayloadUsual: typed payloads as messages for readers that can decode them, as JSON text otherwise.
	PayloadUsual PayloadFormat = iota
	PayloadJSON
	// PayloadJSONDefaults: with the defaults of fields without presence that are not set.
	PayloadJSONDefaults
)

// Event is an immutable fact. A stored event is shared by every reader and must not be changed.
type Event struct {
	Position   Position
	Tenant     TenantID
	ID         string
	Type       string
	Source     string
	Subject    string
	Time       time.Time
	AcceptTime time.Time
	// Schema is the version with which Data is encoded; 0 when Data is JSON text.
	Schema SchemaID
	// Data is the canonical Protobuf encoding of a typed event, the text of a JSON object otherwise.
	Data []byte
	// OrderingKey orders deliveries; empty when the event has none.
	OrderingKey string
	// Ignored holds the fields that were left out because the schema does not have them; nil for none. It is set only while
	// the event is accepted, and is not stored.
	Ignored *IgnoredFields
	// Violations are the violations of an event that was accepted in spite of them.
	Violations []Violation
	// Unfit is the version whose schema cannot hold the payload and was not enforced. Then Schema is 0, Data is JSON text,
	// and Violations say why.
	Unfit SchemaID

	json atomic.Pointer[[]byte]
}

// JSON returns the payload as a JSON object. A typed payload is rendered once, by render, and kept.
func (e *Event) JSON(render func(SchemaID, []byte) ([]byte, error)) ([]byte, error) {
	if e.Schema == 0 {
		return e.Data, nil
	}
	if text := e.json.Load(); text != nil {
		return *text, nil
	}
	text, err := render(e.Schema, e.Data)
	if err != nil {
		return nil, err
	}
	e.json.Store(&text)
	return text, nil
}

// Size returns about how many bytes the event takes in memory and on disk.
func (e *Event) Size() int {
	size := 160 + len(e.ID) + len(e.Type) + len(e.Source) + len(e.Subject) + len(e.OrderingKey) + len(e.Data)
	for _, v := range e.Violations {
		size += len(v.Field) + len(v.Rule) + len(v.Message)
	}
	return size
}

// heldBytes is the memory of an event besides its size: the rest of the struct, rounding, and pointers to it.
const heldBytes = 160

// Held returns about how many bytes the event holds in memory. That includes the JSON text of a typed payload, once it was
// rendered.
func (e *Event) Held() int {
	held := e.Size() + heldBytes
	if e.Schema != 0 {
		held += 3 * len(e.Data)
	}
	return held
}

// ValidEventID reports whether id can be the id of an event: 1 to 64 letters, digits and the characters _ : -.
func ValidEventID(id string) bool {
	for i := range len(id) {
		if !isWord(id[i]) && id[i] != ':' {
			return false
		}
	}
	return id != "" && len(id) <= MaxIDLength
}

// IgnoredFields holds the paths of the first fields that were left out of a payload.
type IgnoredFields struct{ Paths []string }
