package codec

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxViolations bounds the violations that are reported for one payload.
const MaxViolations = 20

// maxMessages bounds the messages in a payload, google.protobuf.Value and entries of maps among them. One takes some
// hundreds of bytes of memory, of a payload as few as two.
const maxMessages = 100_000

// Message is a message descriptor, prepared for reading payloads.
type Message struct {
	codec      *Codec
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
	message *Message
	value   *field
	// content is the message as which the value is encoded: for a map, that of an entry.
	content *Message
	// holdsNull means that null is a value of the field and not its absence.
	holdsNull bool
	// looked means that the encoding can hold what the schema does not allow: that of a message, of an enum without other
	// values, of text that the runtime does not check.
	looked bool
}

// prepared returns a message in its prepared form.
func (c *Codec) prepared(descriptor protoreflect.MessageDescriptor) *Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.prepare(descriptor)
}

// prepare prepares a message and all that it holds. The lock is held.
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
	// Where one field's original name is another's JSON name, the JSON name counts.
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

// isUnchecked reports whether a field may be text that the runtime does not check to be UTF-8.
func isUnchecked(descriptor protoreflect.FieldDescriptor) bool {
	return descriptor.Kind() == protoreflect.StringKind && descriptor.ParentFile().Syntax() != protoreflect.Proto3
}

// field returns a field by its number; nil when there is none.
func (m *Message) field(number int32) *field {
	if m == nil {
		return nil
	}
	return m.numbers[protoreflect.FieldNumber(number)]
}

// within returns the message of a field's values; nil when they are no messages.
func (f *field) within() *Message {
	if f.value != nil {
		return f.value.message
	}
	return f.message
}
