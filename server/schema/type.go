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
	// orderingKey and subject are paths of fields.
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

// Candidates makes types of schemas that are not stored, to compare them, to document them and to try them on payloads. Types
// of the same Candidates share what is compiled.
type Candidates struct{ shared bundles }

// Type makes a type whose id and version are 0.
func (c *Candidates) Type(of compile.EventType) (*Type, error) {
	candidate := newType(Stored{
		Type: of.Type, Message: of.Message, Files: of.Files, OrderingKey: of.OrderingKey, Subject: of.Subject,
	}, &c.shared)
	if _, err := candidate.compile(); err != nil {
		return nil, err
	}
	return candidate, nil
}

// ID identifies the version on this server.
func (t *Type) ID() gateway.SchemaID { return t.id }

// Name is the event type's.
func (t *Type) Name() string { return t.name }

// Message is the full name of the message that is the schema.
func (t *Type) Message() string { return t.message }

// Files is a FileDescriptorSet that holds the message and all it needs.
func (t *Type) Files() []byte { return t.files }

// firstByte tells descriptor sets apart that types share; nil when there is none.
func (t *Type) firstByte() *byte {
	if len(t.files) == 0 {
		return nil
	}
	return &t.files[0]
}

// Version counts the versions of the type, from 1.
func (t *Type) Version() int { return t.version }

// Descriptor is that of the message.
func (t *Type) Descriptor() (protoreflect.MessageDescriptor, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return compiled.Descriptor(), nil
}

// Compiled is the message in its compiled form.
func (t *Type) Compiled() (*codec.Message, error) {
	compiled, err := t.compile()
	return compiled.Message, err
}

// Declarations are the texts of all that judging and showing payloads depends on.
func (t *Type) Declarations() (*describe.Declarations, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return compiled.declarer.Declarations(compiled.Descriptor()), nil
}

// Identity tells versions of a type apart: the hash of all that judging and showing its payloads depends on. It covers
// neither comments nor what the files hold besides, nor the order in which things stand there.
func (t *Type) Identity() (identity [sha256.Size]byte, err error) {
	defer compile.Recover(&err, "identify "+t.name)
	declarations, err := t.Declarations()
	if err != nil {
		return identity, err
	}
	declared := declarations.Digest()
	return sha256.Sum256(fmt.Appendf(declared[:], "%q %q %q", t.message, t.orderingKey, t.subject)), nil
}

// Documentation describes the type's message and all that its payloads can hold, but for what every schema shares.
func (t *Type) Documentation() (describe.Documentation, error) {
	compiled, err := t.compile()
	if err != nil {
		return describe.Documentation{}, err
	}
	return describe.Document(compiled.Message)
}

// JSONSchema describes the JSON form of the type's payloads as the server writes it, in JSON Schema, draft 2020-12.
func (t *Type) JSONSchema() ([]byte, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return describe.JSONSchema(t.name, compiled.Message)
}

// Decode reads a canonical payload.
func (t *Type) Decode(canonical []byte) (proto.Message, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return compiled.Decode(canonical)
}

// FromJSON checks a payload given as JSON text against the schema, structure first and then rules, and returns its
// canonical encoding. What is wrong with the payload is in the violations, at most MaxViolations of them; text that is
// not JSON is a *gateway.Error. Any other error is the server's.
func (t *Type) FromJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(codec.JSON(text, nil), true)
}

// FromBinary is FromJSON for an encoded message.
func (t *Type) FromBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(codec.Binary(encoded, nil), true)
}

// EncodeJSON is FromJSON without the rules: what the payload is under this version, whether or not it may be published.
func (t *Type) EncodeJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(codec.JSON(text, nil), false)
}

// EncodeBinary is FromBinary without the rules.
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

// Render writes a canonical payload as the text of a JSON object, without white space.
func (t *Type) Render(canonical []byte) ([]byte, error) { return t.render(canonical, false) }

// RenderDefaults is Render with the fields without presence that are not set, unless they would take more than 1 MiB.
func (t *Type) RenderDefaults(canonical []byte) ([]byte, error) { return t.render(canonical, true) }

func (t *Type) render(canonical []byte, defaults bool) ([]byte, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return compiled.Render(canonical, defaults)
}

// Keys reads from a canonical payload what the type's option names: the value that orders deliveries and the subject of
// an event whose producer gave none. A value is empty when there is no such option, or the field is not set.
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

// OrderingKey is the path of the field whose value orders deliveries.
func (t *Type) OrderingKey() string { return t.orderingKey }

// Subject is the path of the field that becomes the subject of events without one.
func (t *Type) Subject() string { return t.subject }
