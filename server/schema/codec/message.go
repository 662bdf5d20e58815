package codec

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxViolations bounds the violations that are reported for one payload.
const MaxViolations = 20

// maxMessages bounds the number of messages in a payload, including google.protobuf.Value and map entries. A message takes
// some hundreds of bytes of memory, but as few as two bytes of the payload.
const maxMessages = 100_000

// Message is a message descriptor that is prepared for reading payloads.
type Message struct {
	codec      *Codec
	descriptor protoreflect.MessageDescriptor
	// fields maps the names that JSON may use to fields: the JSON name and the original name; for an extension, its full
	// name in brackets. numbers maps field numbers to the same fields. required holds the required fields (proto2).
	fields   map[string]*field
	numbers  map[protoreflect.FieldNumber]*field
	required []*field
	// ordered holds the fields in the order of the encoding.
	ordered []*field
	// patterns returns the regular expressions in the rules of the message (pattern.go).
	patterns func() patterns
	// special reads the JSON form of a well-known type; nil for other messages.
	special special
	// defaultBytes is about how much text the defaults of the fields take (default.go).
	defaultBytes int
}

type field struct {
	descriptor protoreflect.FieldDescriptor
	kind       protoreflect.Kind
	// tag is the tag in front of an encoded value.
	tag []byte
	// name is the JSON name. step is the text that the field adds to a path.
	name string
	step []byte
	// index numbers the fields of the message and then its extensions. rank is the place of the field in the encoding.
	index, rank int
	number      protoreflect.FieldNumber
	// oneof is the oneof to which the field belongs, nil for none.
	oneof       protoreflect.OneofDescriptor
	isList      bool
	hasPresence bool
	// message is the message of the field's value or of the list's elements. For a map, value is the field of its values.
	message *Message
	value   *field
	// content is the message as which a value is encoded: for a map, its entry.
	content *Message
	// holdsNull means that null is a value of the field, rather than its absence.
	holdsNull bool
	// looked means that an encoding can hold values that the schema does not allow, so it must be checked. This applies to
	// messages, closed enums, and text that the runtime does not check.
	looked bool
}

// prepared returns the prepared form of a message.
func (c *Codec) prepared(descriptor protoreflect.MessageDescriptor) *Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.prepare(descriptor)
}

// prepare prepares a message and all messages that it holds. The caller holds the lock.
func (c *Codec) prepare(descriptor protoreflect.MessageDescriptor) *Message {
	if done := c.messages[descriptor.FullName()]; done != nil {
		return done
	}
	m := &Message{
		codec: c, descriptor: descriptor, fields: make(map[string]*field),
		numbers: make(map[protoreflect.FieldNumber]*field), special: specialReader(descriptor.FullName()),
	}
	c.messages[descriptor.FullName()] = m
	m.patterns = sync.OnceValue(func() patterns { return patternsOf(m) })
	fields := descriptor.Fields()
	for i := range fields.Len() {
		m.add(c.field(fields.Get(i), i))
	}
	for i, extension := range c.Extensions[descriptor.FullName()] {
		m.add(c.field(extension.TypeDescriptor(), fields.Len()+i))
	}
	slices.SortFunc(m.ordered, encodingOrder)
	for rank, f := range m.ordered {
		f.rank = rank
	}
	m.defaultBytes = defaultBytesOf(m.ordered)
	// If the original name of one field is the JSON name of another, the JSON name wins.
	for _, f := range m.numbers {
		m.fields[f.name] = f
	}
	return m
}

func (m *Message) add(f *field) {
	m.fields[f.descriptor.TextName()] = f
	m.numbers[f.descriptor.Number()] = f
	m.ordered = append(m.ordered, f)
	if f.descriptor.Cardinality() == protoreflect.Required {
		m.required = append(m.required, f)
	}
}

func (c *Codec) field(descriptor protoreflect.FieldDescriptor, index int) *field {
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
		f.content = c.prepare(descriptor.Message())
	}
	switch {
	case descriptor.IsMap():
		f.value = c.field(descriptor.MapValue(), 0)
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

// isUnchecked reports whether a field is text whose UTF-8 the runtime does not check.
func isUnchecked(descriptor protoreflect.FieldDescriptor) bool {
	return descriptor.Kind() == protoreflect.StringKind && descriptor.ParentFile().Syntax() != protoreflect.Proto3
}

// field returns the field with a number; nil when there is none.
func (m *Message) field(number int32) *field {
	if m == nil {
		return nil
	}
	return m.numbers[protoreflect.FieldNumber(number)]
}

// within returns the message of a field's values; nil when they are not messages.
func (f *field) within() *Message {
	if f.value != nil {
		return f.value.message
	}
	return f.message
}
