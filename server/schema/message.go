package schema

import (
	"errors"
	"fmt"
	"slices"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// MaxViolations bounds the violations that are told of one payload.
const MaxViolations = 20

// message is a message descriptor, prepared for reading JSON.
type message struct {
	bundle     *bundle
	descriptor protoreflect.MessageDescriptor
	// fields are by the names that JSON may use: the JSON name and the original one.
	fields map[string]*field
	// special reads the JSON of a well-known type; nil for an ordinary message.
	special special
}

type field struct {
	descriptor protoreflect.FieldDescriptor
	// name is the JSON name, index counts the fields of the message.
	name  string
	index int
	// message is that of the field's or the list's values; for a map, value is the field of its values.
	message *message
	value   *field
	// holdsNull tells that null is a value of the field and not its absence.
	holdsNull bool
}

// prepared answers a message in its prepared form.
func (b *bundle) prepared(descriptor protoreflect.MessageDescriptor) *message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.compile(descriptor)
}

// compile prepares a message and all that it holds. The bundle's lock is held.
func (b *bundle) compile(descriptor protoreflect.MessageDescriptor) *message {
	if done := b.messages[descriptor.FullName()]; done != nil {
		return done
	}
	m := &message{
		bundle: b, descriptor: descriptor, fields: make(map[string]*field),
		special: specialReader(descriptor.FullName()),
	}
	b.messages[descriptor.FullName()] = m
	fields := descriptor.Fields()
	for i := range fields.Len() {
		f := b.compileField(fields.Get(i))
		m.fields[string(f.descriptor.Name())] = f
	}
	for i := range fields.Len() {
		f := m.fields[string(fields.Get(i).Name())]
		m.fields[f.name] = f
	}
	return m
}

func (b *bundle) compileField(descriptor protoreflect.FieldDescriptor) *field {
	f := &field{descriptor: descriptor, name: descriptor.JSONName(), index: descriptor.Index()}
	switch {
	case descriptor.IsMap():
		f.value = b.compileField(descriptor.MapValue())
	case descriptor.Message() != nil:
		f.message = b.compile(descriptor.Message())
		f.holdsNull = descriptor.Message().FullName() == "google.protobuf.Value"
	case descriptor.Enum() != nil:
		f.holdsNull = descriptor.Enum().FullName() == "google.protobuf.NullValue"
	}
	return f
}

// checkRules holds a payload against the rules of its schema.
func (m *message) checkRules(payload proto.Message) ([]gateway.Violation, error) {
	err := m.bundle.validator.Validate(payload)
	if err == nil {
		return nil, nil
	}
	var broken *protovalidate.ValidationError
	if !errors.As(err, &broken) {
		return nil, fmt.Errorf("check the rules of %s: %w", m.descriptor.FullName(), err)
	}
	var violations []gateway.Violation
	for _, one := range broken.Violations[:min(len(broken.Violations), MaxViolations)] {
		violations = append(violations, gateway.Violation{
			Field:   string(m.appendRulePath([]byte(DataField), one.Proto.GetField())),
			Rule:    one.Proto.GetRuleId(),
			Message: one.Proto.GetMessage(),
		})
	}
	return slices.Clip(violations), nil
}

// appendRulePath writes a path of the validator with the names that JSON uses.
func (m *message) appendRulePath(path []byte, elements *validate.FieldPath) []byte {
	within := m.descriptor
	for _, element := range elements.GetElements() {
		name := element.GetFieldName()
		var next protoreflect.MessageDescriptor
		if within != nil {
			if fd := within.Fields().ByNumber(protoreflect.FieldNumber(element.GetFieldNumber())); fd != nil {
				name, next = fd.JSONName(), valueMessage(fd)
			}
		}
		path = appendSubscript(AppendName(path, name), element)
		within = next
	}
	return path
}

func valueMessage(fd protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	if fd.IsMap() {
		return fd.MapValue().Message()
	}
	return fd.Message()
}

func appendSubscript(path []byte, element *validate.FieldPathElement) []byte {
	switch subscript := element.GetSubscript().(type) {
	case *validate.FieldPathElement_Index:
		return fmt.Appendf(path, "[%d]", subscript.Index)
	case *validate.FieldPathElement_BoolKey:
		return fmt.Appendf(path, "[%t]", subscript.BoolKey)
	case *validate.FieldPathElement_IntKey:
		return fmt.Appendf(path, "[%d]", subscript.IntKey)
	case *validate.FieldPathElement_UintKey:
		return fmt.Appendf(path, "[%d]", subscript.UintKey)
	case *validate.FieldPathElement_StringKey:
		return fmt.Appendf(path, "[%q]", subscript.StringKey)
	default:
		return path
	}
}
