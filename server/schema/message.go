package schema

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// MaxViolations bounds the violations that are reported for one payload.
const MaxViolations = 20

// maxMessages bounds the messages in a payload, google.protobuf.Value and entries of maps among them. One takes some
// hundreds of bytes of memory, of a payload as few as two.
const maxMessages = 100_000

// message is a message descriptor, prepared for reading payloads.
type message struct {
	bundle     *bundle
	descriptor protoreflect.MessageDescriptor
	// fields are by the names that JSON may use: the JSON name and the original one, for an extension its full name in
	// brackets. numbers are the same by their numbers, required those that must be there (proto2).
	fields   map[string]*field
	numbers  map[protoreflect.FieldNumber]*field
	required []*field
	// ordered are the fields as they are encoded.
	ordered []*field
	// patterns are the regular expressions that the rules hold text against (pattern.go).
	patterns func() patterns
	// special reads the JSON of a well-known type; nil for an ordinary message.
	special special
	// defaultBytes is about how much text the defaults of its fields take (default.go).
	defaultBytes int
}

type field struct {
	descriptor protoreflect.FieldDescriptor
	kind       protoreflect.Kind
	// tag stands in front of an encoded value.
	tag []byte
	// name is the JSON name, step what it adds to a path.
	name string
	step []byte
	// index counts the fields of the message and then its extensions, rank the fields as they are encoded.
	index, rank int
	number      protoreflect.FieldNumber
	// oneof is that of which only one field may be set, nil for none.
	oneof       protoreflect.OneofDescriptor
	isList      bool
	hasPresence bool
	// message is that of the field's or the list's values; for a map, value is the field of its values.
	message *message
	value   *field
	// content is the message as which the value is encoded: for a map, that of an entry.
	content *message
	// holdsNull means that null is a value of the field and not its absence.
	holdsNull bool
	// looked means that the encoding can hold what the schema does not allow: that of a message, of an enum without other
	// values, of text that the runtime does not check.
	looked bool
}

// prepared returns a message in its prepared form.
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
		numbers: make(map[protoreflect.FieldNumber]*field), special: specialReader(descriptor.FullName()),
	}
	b.messages[descriptor.FullName()] = m
	m.patterns = sync.OnceValue(func() patterns { return patternsOf(m) })
	fields := descriptor.Fields()
	for i := range fields.Len() {
		m.add(b.compileField(fields.Get(i), i))
	}
	for i, extension := range b.extensions[descriptor.FullName()] {
		m.add(b.compileField(extension.TypeDescriptor(), fields.Len()+i))
	}
	slices.SortFunc(m.ordered, encodingOrder)
	for rank, f := range m.ordered {
		f.rank = rank
	}
	m.defaultBytes = defaultBytesOf(m.ordered)
	// Where one field's original name is another's JSON name, the JSON name counts.
	for _, f := range m.numbers {
		m.fields[f.name] = f
	}
	return m
}

func (m *message) add(f *field) {
	m.fields[f.descriptor.TextName()] = f
	m.numbers[f.descriptor.Number()] = f
	m.ordered = append(m.ordered, f)
	if f.descriptor.Cardinality() == protoreflect.Required {
		m.required = append(m.required, f)
	}
}

func (b *bundle) compileField(descriptor protoreflect.FieldDescriptor, index int) *field {
	f := &field{
		descriptor: descriptor, name: descriptor.JSONName(), index: index, kind: descriptor.Kind(),
		number: descriptor.Number(), isList: descriptor.IsList(), hasPresence: descriptor.HasPresence(),
		tag: protowire.AppendTag(nil, descriptor.Number(), wireType(descriptor.Kind())),
	}
	f.step = stepTo(descriptor)
	if oneof := descriptor.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		f.oneof = oneof
	}
	if descriptor.Message() != nil {
		f.content = b.compile(descriptor.Message())
	}
	switch {
	case descriptor.IsMap():
		f.value = b.compileField(descriptor.MapValue(), 0)
		f.looked = f.value.looked || isUnchecked(descriptor.MapKey())
	case descriptor.Message() != nil:
		f.message = f.content
		f.holdsNull = descriptor.Message().FullName() == "google.protobuf.Value"
		f.looked = true
	case descriptor.Enum() != nil:
		f.holdsNull = descriptor.Enum().FullName() == "google.protobuf.NullValue"
		f.looked = descriptor.Enum().IsClosed()
	default:
		f.looked = isUnchecked(descriptor)
	}
	return f
}

// isUnchecked reports whether a field may be text that the runtime does not check to be UTF-8.
func isUnchecked(descriptor protoreflect.FieldDescriptor) bool {
	return descriptor.Kind() == protoreflect.StringKind && descriptor.ParentFile().Syntax() != protoreflect.Proto3
}

// maxChecked bounds the fields, elements and entries of a payload all of whose violations are found. Each may be one, which
// takes a kilobyte: of a payload with more of them only the first is.
const maxChecked = 1000

func (m *message) hasFewFaults(payload protoreflect.Message) bool {
	w := &payloadWalk{left: maxChecked, weight: func(m *message) int { return 1 + len(m.ordered) }, entry: 1}
	return w.fits(m, payload)
}

// checkRules holds a payload against the rules of its schema.
func (m *message) checkRules(payload proto.Message) ([]gateway.Violation, error) {
	validator, err := m.bundle.validator()
	if err != nil {
		return nil, fmt.Errorf("prepare the rules of %s: %w", m.descriptor.FullName(), err)
	}
	if tooLong := m.patternTooLong(payload); tooLong != nil {
		return []gateway.Violation{*tooLong}, nil
	}
	err = validator.validate(payload, m.bundle.open, protovalidate.WithFailFast())
	if err != nil && m.hasFewFaults(payload.ProtoReflect()) {
		err = validator.validate(payload, m.bundle.open)
	}
	if err == nil {
		return nil, nil
	}
	var failed *protovalidate.RuntimeError
	if errors.As(err, &failed) {
		return []gateway.Violation{m.notEvaluated(failed)}, nil
	}
	var broken *protovalidate.ValidationError
	if !errors.As(err, &broken) {
		return nil, fmt.Errorf("check the rules of %s: %w", m.descriptor.FullName(), err)
	}
	var violations []gateway.Violation
	for _, one := range broken.Violations[:min(len(broken.Violations), MaxViolations)] {
		violations = append(violations, gateway.Violation{
			Field:   cutText(m.appendRulePath([]byte(DataField), one.Proto.GetField())),
			Rule:    one.Proto.GetRuleId(),
			Message: cutText(one.Proto.GetMessage()),
		})
	}
	return slices.Clip(violations), nil
}

// appendRulePath writes a path of the validator with the names that JSON uses.
func (m *message) appendRulePath(path []byte, elements *validate.FieldPath) []byte {
	within := m
	for _, element := range elements.GetElements() {
		var next *message
		if f := within.field(element.GetFieldNumber()); f != nil {
			path, next = appendField(path, f), f.within()
		} else {
			path = AppendName(path, element.GetFieldName())
		}
		path = appendSubscript(path, element)
		within = next
	}
	return path
}

// field returns a field by its number; nil when there is none.
func (m *message) field(number int32) *field {
	if m == nil {
		return nil
	}
	return m.numbers[protoreflect.FieldNumber(number)]
}

// within returns the message of a field's values; nil when they are no messages.
func (f *field) within() *message {
	if f.value != nil {
		return f.value.message
	}
	return f.message
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
