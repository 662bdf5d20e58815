package schema

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/gateway"
)

// DataField is the path of the payload in a request, with which the path of every violation begins.
const DataField = "event.data"

// Type is one version of the schema of one event type. It is compiled on first use.
type Type struct {
	id      gateway.SchemaID
	name    string
	message string
	version int
	files   []byte
	// orderingKey and subject are paths of fields.
	orderingKey, subject string

	compile func() (*message, error)
}

func newType(stored Stored, shared *bundles) *Type {
	return &Type{
		id: stored.ID, name: stored.Type, message: stored.Message, version: stored.Version, files: stored.Files,
		orderingKey: stored.OrderingKey, subject: stored.Subject,
		compile: sync.OnceValues(func() (*message, error) {
			compiled, err := compileStored(stored, shared)
			if err != nil {
				return nil, fmt.Errorf("schema of %s, version %d: %w", stored.Type, stored.Version, err)
			}
			return compiled, nil
		}),
	}
}

func compileStored(stored Stored, shared *bundles) (compiled *message, err error) {
	defer Recover(&err, "compile")
	return shared.message(stored.Files, stored.Message)
}

// Candidate makes a type of a schema that is not stored, to compare it, to document it and to try it on payloads. Its id
// and its version are 0. Candidates of one selection share what is compiled.
func Candidate(n New) (*Type, error) {
	if n.shared == nil {
		n.shared = &bundles{}
	}
	candidate := newType(Stored{
		Type: n.Type, Message: n.Message, Files: n.Files, OrderingKey: n.OrderingKey, Subject: n.Subject,
	}, n.shared)
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
	return compiled.descriptor, nil
}

// Identity tells versions of a type apart: the hash of all that judging and showing its payloads depends on. It covers
// neither comments nor what the files hold besides, nor the order in which things stand there.
func (t *Type) Identity() (identity [sha256.Size]byte, err error) {
	defer Recover(&err, "identify "+t.name)
	compiled, err := t.compile()
	if err != nil {
		return identity, err
	}
	declared := declarationsOf(compiled.bundle, compiled.descriptor).digest()
	return sha256.Sum256(fmt.Appendf(declared[:], "%q %q %q", t.message, t.orderingKey, t.subject)), nil
}

// Decode reads a canonical payload.
func (t *Type) Decode(canonical []byte) (proto.Message, error) {
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	return t.decode(compiled, canonical)
}

func (t *Type) decode(compiled *message, canonical []byte) (proto.Message, error) {
	payload := dynamicpb.NewMessage(compiled.descriptor)
	if err := compiled.bundle.decode(canonical, payload); err != nil {
		return nil, fmt.Errorf("read a stored %s: %w", t.message, err)
	}
	return payload, nil
}

// FromJSON checks a payload given as JSON text against the schema, structure first and then rules, and returns its
// canonical encoding. What is wrong with the payload is in the violations, at most MaxViolations of them; text that is
// not JSON is a *gateway.Error. Any other error is the server's.
func (t *Type) FromJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(jsonPayload(text), true)
}

// FromBinary is FromJSON for an encoded message.
func (t *Type) FromBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(binaryPayload(encoded), true)
}

// EncodeJSON is FromJSON without the rules: what the payload is under this version, whether or not it may be published.
func (t *Type) EncodeJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(jsonPayload(text), false)
}

// EncodeBinary is FromBinary without the rules.
func (t *Type) EncodeBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return t.accept(binaryPayload(encoded), false)
}

// payloadReader reads a payload as a message.
type payloadReader = func(*message) (proto.Message, []gateway.Violation, error)

func jsonPayload(text []byte) payloadReader {
	return func(m *message) (proto.Message, []gateway.Violation, error) { return m.readJSON(text, nil) }
}

func binaryPayload(encoded []byte) payloadReader {
	return func(m *message) (proto.Message, []gateway.Violation, error) { return m.readBinary(encoded, nil) }
}

func (t *Type) accept(
	read payloadReader, rules bool,
) (canonical []byte, violations []gateway.Violation, err error) {
	defer Recover(&err, "read a payload of "+t.message)
	compiled, err := t.compile()
	if err != nil {
		return nil, nil, err
	}
	payload, violations, err := read(compiled)
	if err == nil && len(violations) == 0 && rules {
		violations, err = compiled.checkRules(payload)
	}
	if err != nil || len(violations) > 0 {
		return nil, violations, err
	}
	return compiled.encode(payload.ProtoReflect()), nil, nil
}

// Render writes a canonical payload as the text of a JSON object, without white space.
func (t *Type) Render(canonical []byte) ([]byte, error) { return t.render(canonical, false) }

// RenderDefaults is Render with the fields without presence that are not set, unless they would take more than 1 MiB.
func (t *Type) RenderDefaults(canonical []byte) ([]byte, error) { return t.render(canonical, true) }

func (t *Type) render(canonical []byte, defaults bool) (text []byte, err error) {
	defer Recover(&err, "render a stored "+t.message)
	compiled, err := t.compile()
	if err != nil {
		return nil, err
	}
	payload, err := t.decode(compiled, canonical)
	if err != nil {
		return nil, err
	}
	options := protojson.MarshalOptions{Resolver: compiled.bundle.payloads}
	options.EmitDefaultValues = defaults && compiled.fitsDefaults(payload.ProtoReflect())
	text, err = options.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("render a stored %s: %w", t.message, err)
	}
	// protojson varies its white space on purpose.
	compact := jsontext.Value(text)
	err = compact.Compact()
	return compact, err
}
