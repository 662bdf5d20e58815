package gateway

import (
	"sync/atomic"
	"time"
)

// Position is an event's place in the log: dense, from 1, strictly increasing in commit order, never reused.
type Position int64

// TenantID identifies a tenant inside the server; users see its name. 0 means none (server-scoped).
type TenantID int64

// SchemaID identifies one stored version of one event type's schema. 0 means untyped.
type SchemaID int64

// ContentHash is the first half of a SHA-256 over what the client supplied and the canonical payload.
type ContentHash [16]byte

// DefaultSource is the source of an event whose producer gave none.
const DefaultSource = "postrider"

// Limits of an event, and of a batch of them. Lengths are in characters; those of ids and types have one byte each. MaxDataDepth counts
// nested objects and arrays. The rules in proto/postrider/v1/event.proto, the JSON reader in server/wire and the checks in
// server/publish keep these limits, and TestLimits in server/wire holds them to it.
const (
	MaxIDLength      = 64
	MaxTypeLength    = 255
	MaxSourceLength  = 512
	MaxSubjectLength = 512
	MaxDataBytes     = 1 << 20
	MaxDataDepth     = 100
	MaxBatch         = 1000
)

// PayloadFormat is how a reader gets payloads.
type PayloadFormat uint8

// The formats. Values are stored, and are those of the contract.
const (
	// PayloadUsual: typed payloads as messages, to readers who can read those; as JSON text otherwise.
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
	// Schema is the version Data is encoded under; 0 when Data is JSON text.
	Schema SchemaID
	// Data is the canonical Protobuf encoding of a typed event, the text of a JSON object otherwise.
	Data []byte
	// OrderingKey orders deliveries; empty when the event has none.
	OrderingKey string
	// Ignored are the fields that were left out since the schema does not have them. It is known while the event is accepted
	// and not stored; nil for none.
	Ignored *IgnoredFields
	// Violations are what the event breaks, when it was accepted all the same.
	Violations []Violation
	// Unfit is the version whose schema cannot hold the payload, which was not enforced; Schema is 0 then, Data JSON text,
	// and Violations say why.
	Unfit SchemaID

	json atomic.Pointer[[]byte]
}

// JSON returns the payload as the text of a JSON object. A typed payload is rendered once, by render, and kept.
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

// Size is about how many bytes the event takes in memory and on disk.
func (e *Event) Size() int {
	size := 160 + len(e.ID) + len(e.Type) + len(e.Source) + len(e.Subject) + len(e.OrderingKey) + len(e.Data)
	for _, v := range e.Violations {
		size += len(v.Field) + len(v.Rule) + len(v.Message)
	}
	return size
}

// heldBytes is what an event takes in memory beyond its size: the rest of the struct, rounding, and who points to it.
const heldBytes = 160

// Held is about how many bytes the event holds in memory. A typed payload is held as JSON text, too, once anybody needed that.
func (e *Event) Held() int {
	held := e.Size() + heldBytes
	if e.Schema != 0 {
		held += 3 * len(e.Data)
	}
	return held
}

// ValidEventID reports whether id may name an event: 1 to 64 letters, digits and the characters _ : -.
func ValidEventID(id string) bool {
	for i := range len(id) {
		if !isWord(id[i]) && id[i] != ':' {
			return false
		}
	}
	return id != "" && len(id) <= MaxIDLength
}

// IgnoredFields are the paths of fields that were left out of a payload, the first ones.
type IgnoredFields struct{ Paths []string }
