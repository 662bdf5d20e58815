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

// DataField is the path of the payload in a request, with which the path of every violation begins.
const DataField = "event.data"

// Payload is a payload in the form in which it was sent.
type Payload struct {
	read func(*Message) (proto.Message, []gateway.Violation, error)
}

// JSON is a payload as JSON text. Fields that the schema does not have are added to unknown; they are violations if it is nil.
func JSON(text []byte, unknown *Ignored) Payload {
	return Payload{func(m *Message) (proto.Message, []gateway.Violation, error) { return m.readJSON(text, unknown) }}
}

// Binary is a payload as an encoded message. Fields that the schema does not have are treated as by JSON.
func Binary(encoded []byte, unknown *Ignored) Payload {
	return Payload{func(m *Message) (proto.Message, []gateway.Violation, error) { return m.readBinary(encoded, unknown) }}
}

// Accept checks a payload, structure first and then, if asked, the rules, and returns its canonical encoding. What is wrong
// with the payload is in the violations, at most MaxViolations of them; text that is not JSON is a *gateway.Error. Any other
// error is the server's.
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

// Decode reads a canonical payload.
func (m *Message) Decode(canonical []byte) (proto.Message, error) {
	payload := dynamicpb.NewMessage(m.descriptor)
	if err := m.codec.decode(canonical, payload); err != nil {
		return nil, fmt.Errorf("read a stored %s: %w", m.descriptor.FullName(), err)
	}
	return payload, nil
}

// Render writes a canonical payload as the text of a JSON object, without white space. With defaults it has the fields
// without presence that are not set, unless they would take more than 1 MiB.
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
	// protojson varies its white space on purpose.
	compact := jsontext.Value(text)
	err = compact.Compact()
	return compact, err
}

// Descriptor is that of the message.
func (m *Message) Descriptor() protoreflect.MessageDescriptor { return m.descriptor }

// Files are those that declare the message and what it holds.
func (m *Message) Files() *compile.Files { return m.codec.Files }
