package codec

import (
	"cmp"
	"math"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/runtime/protoiface"
	"google.golang.org/protobuf/types/dynamicpb"
)

// jsonMessage is a message that was read from JSON. It holds the fields that are set, in the order of the encoding, and is
// immutable once it was read. With messages of dynamicpb, their maps took up to half of the time of reading.
type jsonMessage struct {
	message *Message
	entries []entry
}

// entry is a field that is set, with its value.
type entry struct {
	field *field
	value protoreflect.Value
}

// unchangeable is the panic value of methods that would change a message.
const unchangeable = "what was read from JSON cannot be changed"

// usualFields is the number of fields for which a message first allocates room.
const usualFields = 8

func newJSONMessage(m *Message) *jsonMessage { return &jsonMessage{message: m} }

// set adds a field that is not set yet. It ignores values that mean an unset field: the zero value of a field without
// presence, and an empty list or map.
func (j *jsonMessage) set(f *field, value protoreflect.Value) {
	if f.isNone(value) {
		return
	}
	if j.entries == nil {
		j.entries = make([]entry, 0, min(len(j.message.ordered), usualFields))
	}
	j.entries = append(j.entries, entry{f, value})
}

// settle sorts the fields.
func (j *jsonMessage) settle() {
	slices.SortFunc(j.entries, func(a, b entry) int { return cmp.Compare(a.field.rank, b.field.rank) })
}

// isNone reports whether a field with this value counts as not set.
func (f *field) isNone(value protoreflect.Value) bool {
	switch {
	case f.value != nil:
		return value.Map().Len() == 0
	case f.isList:
		return value.List().Len() == 0
	case f.hasPresence:
		return false
	}
	switch f.kind {
	case protoreflect.StringKind:
		return value.String() == ""
	case protoreflect.BytesKind:
		return len(value.Bytes()) == 0
	case protoreflect.BoolKind:
		return !value.Bool()
	case protoreflect.EnumKind:
		return value.Enum() == 0
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		// Negative zero counts as set.
		return math.Float64bits(value.Float()) == 0
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return value.Uint() == 0
	default:
		return value.Int() == 0
	}
}

// find returns the entry of a field; nil when the field is not set.
func (j *jsonMessage) find(fd protoreflect.FieldDescriptor) *entry {
	number := fd.Number()
	if len(j.entries) <= 2*usualFields {
		for i := range j.entries {
			if j.entries[i].field.number == number {
				return &j.entries[i]
			}
		}
		return nil
	}
	f := j.message.numbers[number]
	if f == nil {
		return nil
	}
	at, found := slices.BinarySearchFunc(j.entries, f.rank, func(one entry, rank int) int {
		return cmp.Compare(one.field.rank, rank)
	})
	if !found {
		return nil
	}
	return &j.entries[at]
}

// ProtoReflect implements proto.Message.
func (j *jsonMessage) ProtoReflect() protoreflect.Message { return j }

// Interface implements protoreflect.Message.
func (j *jsonMessage) Interface() protoreflect.ProtoMessage { return j }

// Descriptor returns the descriptor of the message.
func (j *jsonMessage) Descriptor() protoreflect.MessageDescriptor { return j.message.descriptor }

// Type returns a type whose messages can be changed.
func (j *jsonMessage) Type() protoreflect.MessageType {
	return dynamicpb.NewMessageType(j.message.descriptor)
}

// New returns an empty message that can be changed.
func (j *jsonMessage) New() protoreflect.Message { return dynamicpb.NewMessage(j.message.descriptor) }

// IsValid returns true: the message of an unset field has another type.
func (j *jsonMessage) IsValid() bool { return true }

// GetUnknown returns nil, because an unknown field is a fault.
func (j *jsonMessage) GetUnknown() protoreflect.RawFields { return nil }

// ProtoMethods returns nil, so that the runtime uses reflection.
func (j *jsonMessage) ProtoMethods() *protoiface.Methods { return nil }

// Has reports whether a field is set.
func (j *jsonMessage) Has(fd protoreflect.FieldDescriptor) bool { return j.find(fd) != nil }

// Get returns the value of a field, or its default when it is not set.
func (j *jsonMessage) Get(fd protoreflect.FieldDescriptor) protoreflect.Value {
	if found := j.find(fd); found != nil {
		return found.value
	}
	if fd.Cardinality() == protoreflect.Repeated || fd.Message() != nil {
		return j.Type().Zero().Get(fd)
	}
	return fd.Default()
}

// Range iterates over the fields that are set.
func (j *jsonMessage) Range(yield func(protoreflect.FieldDescriptor, protoreflect.Value) bool) {
	for _, one := range j.entries {
		if !yield(one.field.descriptor, one.value) {
			return
		}
	}
}

// WhichOneof returns the field of a oneof that is set, nil if none is.
func (j *jsonMessage) WhichOneof(oneof protoreflect.OneofDescriptor) protoreflect.FieldDescriptor {
	for _, one := range j.entries {
		if one.field.descriptor.ContainingOneof() == oneof {
			return one.field.descriptor
		}
	}
	return nil
}

// NewField panics.
func (j *jsonMessage) NewField(protoreflect.FieldDescriptor) protoreflect.Value { panic(unchangeable) }

// Mutable panics.
func (j *jsonMessage) Mutable(protoreflect.FieldDescriptor) protoreflect.Value { panic(unchangeable) }

// Set panics.
func (j *jsonMessage) Set(protoreflect.FieldDescriptor, protoreflect.Value) { panic(unchangeable) }

// Clear panics.
func (j *jsonMessage) Clear(protoreflect.FieldDescriptor) { panic(unchangeable) }

// SetUnknown panics.
func (j *jsonMessage) SetUnknown(protoreflect.RawFields) { panic(unchangeable) }
