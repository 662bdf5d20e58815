package codec

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// DataField is the path of the payload in a request. The paths of all violations begin with it.
const DataField = "event.data"

// Payload is a payload in the form in which it was sent.
type Payload struct {
	read func(*Message) (proto.Message, []gateway.Violation, error)
}

// JSON returns a payload that is JSON text. Fields that the schema does not have are added to unknown; if it is nil, they
// are violations.
func JSON(text []byte, unknown *Ignored) Payload {
	return Payload{func(m *Message) (proto.Message, []gateway.Violation, error) { return m.readJSON(text, unknown) }}
}

// Binary returns a payload that is an encoded message. unknown is used as in JSON.
func Binary(encoded []byte, unknown *Ignored) Payload {
	return Payload{func(m *Message) (proto.Message, []gateway.Violation, error) { return m.readBinary(encoded, unknown) }}
}

// Accept checks a payload, first its structure and then, if asked, the rules, and returns its canonical encoding. Faults of
// the payload are returned as violations, at most MaxViolations of them. Text that is not JSON is a *gateway.Error. Any
// other error is a fault of the server.
func (m *Message) Accept(payload Payload, rules bool) (canonical []byte, violations []gateway.Violation, err error) {
	defer compile.Recover(&err, "read a payload of "+string(m.descriptor.FullName()))
	message, violations, err := payload.read(m)
	if err == nil && len(violations) == 0 && rules {
		violations, err = m.CheckRules(message)
	}
	if err != nil || len(violations) > 0 {
		return nil, violations, err
	}
	return m.encode(message.ProtoReflect()), nil, nil
}

// Decode decodes a canonical payload.
func (m *Message) Decode(canonical []byte) (proto.Message, error) {
	payload := dynamicpb.NewMessage(m.descriptor)
	if err := m.codec.decode(canonical, payload); err != nil {
		return nil, fmt.Errorf("read a stored %s: %w", m.descriptor.FullName(), err)
	}
	return payload, nil
}

// Render returns a canonical payload as a JSON object without white space. With defaults it includes fields without presence
// that are not set, unless they would take more than 1 MiB.
func (m *Message) Render(canonical []byte, defaults bool) (text []byte, err error) {
	defer compile.Recover(&err, "render a stored "+string(m.descriptor.FullName()))
	payload, err := m.Decode(canonical)
	if err != nil {
		return nil, err
	}
	options := protojson.MarshalOptions{Resolver: m.codec.Payloads}
	options.EmitDefaultValues = defaults && m.fitsDefaults(payload.ProtoReflect())
	text, err = options.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("render a stored %s: %w", m.descriptor.FullName(), err)
	}
	// protojson varies its white space deliberately.
	compact := jsontext.Value(text)
	err = compact.Compact()
	return compact, err
}

// Descriptor returns the descriptor of the message.
func (m *Message) Descriptor() protoreflect.MessageDescriptor { return m.descriptor }

// Files returns the files that declare the message and everything it holds.
func (m *Message) Files() *compile.Files { return m.codec.Files }
