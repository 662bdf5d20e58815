package schema

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/describe"
)

// Type is one version of the schema of one event type. It is compiled on first use.
type Type struct {
	id      gateway.SchemaID
	name    string
	message string
	version int
	files   []byte
	// orderingKey and subject are field paths.
	orderingKey, subject string

	compile func() (compiled, error)
}

func newType(stored Stored, shared *bundles) *Type {
	return &Type{
		id: stored.ID, name: stored.Type, message: stored.Message, version: stored.Version, files: stored.Files,
		orderingKey: stored.OrderingKey, subject: stored.Subject,
		compile: sync.OnceValues(func() (compiled, error) {
			message, err := compileStored(stored, shared)
			if err != nil {
				return compiled{}, fmt.Errorf("schema of %s, version %d: %w", stored.Type, stored.Version, err)
			}
			return message, nil
		}),
	}
}

func compileStored(stored Stored, shared *bundles) (message compiled, err error) {
	defer compile.Recover(&err, "compile")
	return shared.message(stored.Files, stored.Message)
}

// Candidates makes types from schemas that are not stored, to compare, document or try them. Types of the same Candidates
// share compiled files.
type Candidates struct{ shared bundles }

// Type returns a type whose id and version are 0.
func (c *Candidates) Type(of compile.EventType) (*Type, error) {
	candidate := newType(Stored{
		Type: of.Type, Message: of.Message, Files: of.Files, OrderingKey: of.OrderingKey, Subject: of.Subject,
	}, &c.shared)
	if _, err := candidate.compile(); err != nil {
		return nil, err
	}
	return candidate, nil
}

// ID returns the id of the version on this server.
func (t *Type) ID() gateway.SchemaID { return t.id }

// Name returns the name of the event type.
func (t *Type) Name() string { return t.name }

// Message returns the full name of the message that defines the payload.
func (t *Type) Message() string { return t.message }

// Files returns a FileDescriptorSet with the message and everything it needs.
func (t *Type) Files() []byte { return t.files }

// firstByte identifies a descriptor set that types share: it returns the address of its first byte, nil for an empty set.
func (t *Type) firstByte() *byte {
	if len(t.files) == 0 {
		return nil
	}
	return &t.files[0]
}

// Version returns the number of the version; the first is 1.
func (t *Type) Version() int { return t.version }

// Descriptor returns the descriptor of the message.
func (t *Type) Descriptor() (protoreflect.MessageDescriptor, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return compiled.Descriptor(), nil
}

// Compiled returns the compiled message.
func (t *Type) Compiled() (*codec.Message, error) {
	compiled, err := t.compile()
	return compiled.Message, err
}

// Declarations returns the text of every declaration on which checking or showing payloads depends.
func (t *Type) Declarations() (*describe.Declarations, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return compiled.declarer.Declarations(compiled.Descriptor()), nil
}

// Identity returns a hash that versions of a type share only if their payloads are checked and shown in the same way. It
// does not cover comments, other content of the files, or the order of declarations in them.
func (t *Type) Identity() (identity [sha256.Size]byte, err error) {
	defer compile.Recover(&err, "identify "+t.name)
	declarations, err := t.Declarations()
	if err != nil {
		return identity, err
	}
	declared := declarations.Digest()
	return sha256.Sum256(fmt.Appendf(declared[:], "%q %q %q", t.message, t.orderingKey, t.subject)), nil
}

// Documentation describes the type's message and everything that its payloads can hold, except for the files that all
// schemas share.
func (t *Type) Documentation() (describe.Documentation, error) {
	compiled, err := t.compile()
	if err != nil {
		return describe.Documentation{}, err
	}
	return describe.Document(compiled.Message)
}

// JSONSchema returns a JSON Schema (draft 2020-12) of the JSON form in which the server writes the type's payloads.
func (t *Type) JSONSchema() ([]byte, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return describe.JSONSchema(t.name, compiled.Message)
}

// Decode decodes a canonical payload.
func (t *Type) Decode(canonical []byte) (proto.Message, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return compiled.Decode(canonical)
}

// FromJSON checks a JSON payload against the schema, first its structure and then the rules, and returns its canonical
// encoding. Faults of the payload are returned as violations, at most MaxViolations of them. Text that is not JSON is a
// *gateway.Error. Any other error is a fault of the server.
func (t *Type) FromJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(codec.JSON(text, nil), true)
}

// FromBinary is like FromJSON for an encoded message.
func (t *Type) FromBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(codec.Binary(encoded, nil), true)
}

// EncodeJSON is like FromJSON without the rules: it returns the payload in this version's encoding whether or not the
// payload may be published.
func (t *Type) EncodeJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(codec.JSON(text, nil), false)
}

// EncodeBinary is like FromBinary without the rules.
func (t *Type) EncodeBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(codec.Binary(encoded, nil), false)
}

func (t *Type) accept(payload codec.Payload, rules bool) (canonical []byte, violations []gateway.Violation, err error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, nil, err
	}
	return compiled.Accept(payload, rules)
}

// Render returns a canonical payload as a JSON object without white space.
func (t *Type) Render(canonical []byte) ([]byte, error) { return t.render(canonical, false) }

// RenderDefaults is like Render, but includes fields without presence that are not set, unless they would take more than 1
// MiB.
func (t *Type) RenderDefaults(canonical []byte) ([]byte, error) { return t.render(canonical, true) }

func (t *Type) render(canonical []byte, defaults bool) ([]byte, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return compiled.Render(canonical, defaults)
}

// Keys returns the values of the fields that the type's option names: the ordering key, and the subject for events published
// without one. A value is empty when the option does not name a field or the field is not set.
func (t *Type) Keys(canonical []byte) (orderingKey, subject string, err error) {
	if t.orderingKey == "" && t.subject == "" {
		return "", "", nil
	}
	descriptor, err := t.Descriptor()
	if err != nil {
		return "", "", err
	}
	if orderingKey, err = codec.ValueAt(descriptor, canonical, t.orderingKey); err != nil {
		return "", "", fmt.Errorf("ordering key of %s: %w", t.name, err)
	}
	if subject, err = codec.ValueAt(descriptor, canonical, t.subject); err != nil {
		return "", "", fmt.Errorf("subject of %s: %w", t.name, err)
	}
	return orderingKey, subject, nil
}

// OrderingKey returns the path of the field whose value orders deliveries.
func (t *Type) OrderingKey() string { return t.orderingKey }

// Subject returns the path of the field whose value becomes the subject of events without one.
func (t *Type) Subject() string { return t.subject }
