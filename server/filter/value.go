package filter

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// NativeToValue converts the values of fields to CEL values.
func (t *typing) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case *Subject:
		return types.NewErr("event cannot be used as a whole; use its fields")
	case protoreflect.List:
		return types.NewProtoList(t, v)
	case protoreflect.Message:
		native, err := t.messageValue(v)
		if err != nil {
			return types.WrapErr(err)
		}
		if message, ok := native.(protoreflect.Message); ok {
			return &object{typing: t, message: message}
		}
		return t.base.NativeToValue(native)
	default:
		return t.base.NativeToValue(value)
	}
}

// fieldValue returns the value of a field as NativeToValue accepts it.
func (t *typing) fieldValue(fd protoreflect.FieldDescriptor, value protoreflect.Value) (any, error) {
	switch {
	case fd.IsMap():
		return &mapField{typing: t, field: fd, entries: value.Map()}, nil
	case fd.IsList():
		return value.List(), nil
	case fd.Message() != nil:
		return t.messageValue(value.Message())
	default:
		return value.Interface(), nil
	}
}

// messageValue returns the CEL value of a message: for a well-known type, the value that it represents.
func (t *typing) messageValue(m protoreflect.Message) (any, error) {
	descriptor := m.Descriptor()
	if descriptor.FullName().Parent() != "google.protobuf" {
		return m, nil
	}
	switch descriptor.Name() {
	case "Timestamp":
		return time.Unix(number(m, 1), number(m, 2)).UTC(), nil
	case "Duration":
		return (&durationpb.Duration{Seconds: number(m, 1), Nanos: int32(number(m, 2))}).AsDuration(), nil
	case "Struct":
		return t.structOf(m), nil
	case "ListValue":
		return listOf(m), nil
	case "Value":
		return t.valueOf(m), nil
	case "Any":
		return t.anyValue(m)
	}
	switch {
	case !isWrapper(descriptor):
		return m, nil
	case !m.IsValid():
		return types.NullValue, nil
	default:
		return m.Get(descriptor.Fields().ByNumber(1)).Interface(), nil
	}
}

func number(m protoreflect.Message, field protoreflect.FieldNumber) int64 {
	return m.Get(m.Descriptor().Fields().ByNumber(field)).Int()
}

func (t *typing) anyValue(m protoreflect.Message) (any, error) {
	fields := m.Descriptor().Fields()
	url := m.Get(fields.ByNumber(1)).String()
	if url == "" {
		return types.NullValue, nil
	}
	name := url[strings.LastIndexByte(url, '/')+1:]
	descriptor := t.files.message(name)
	if descriptor == nil {
		return nil, fmt.Errorf("the message %s is not in the schema", name)
	}
	held := dynamicpb.NewMessage(descriptor)
	if err := proto.Unmarshal(m.Get(fields.ByNumber(2)).Bytes(), held); err != nil {
		return nil, fmt.Errorf("cannot read the %s in an Any", name)
	}
	return t.messageValue(held)
}

// structOf wraps a google.protobuf.Struct. It decodes an entry when it is read, because an expression may read the same field
// again and again.
func (t *typing) structOf(m protoreflect.Message) *mapField {
	entries := m.Descriptor().Fields().ByNumber(1)
	return &mapField{typing: t, field: entries, entries: m.Get(entries).Map()}
}

// listOf wraps a google.protobuf.ListValue in the same way.
func listOf(m protoreflect.Message) protoreflect.List {
	return m.Get(m.Descriptor().Fields().ByNumber(1)).List()
}

// valueOf converts a google.protobuf.Value. Its numbers are doubles; whole numbers that a double represents exactly become
// integers, as in JSON without a schema.
func (t *typing) valueOf(m protoreflect.Message) any {
	set := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	if set == nil {
		return nil
	}
	switch value := m.Get(set); set.Number() {
	case 2:
		f := value.Float()
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f)
		}
		return f
	case 3:
		return value.String()
	case 4:
		return value.Bool()
	case 5:
		return t.structOf(value.Message())
	case 6:
		return listOf(value.Message())
	default:
		return nil
	}
}

// objectTraits are the operations of a message.
const objectTraits = traits.FieldTesterType | traits.IndexerType

func objectType(name string) *types.Type { return types.NewObjectType(name, objectTraits) }

// object is a message as a CEL value.
type object struct {
	typing  *typing
	message protoreflect.Message
}

func (o *object) name() string { return string(o.message.Descriptor().FullName()) }

// ConvertToNative returns the message itself.
func (o *object) ConvertToNative(to reflect.Type) (any, error) {
	if reflect.TypeOf(o.message).AssignableTo(to) {
		return o.message, nil
	}
	return nil, fmt.Errorf("a %s cannot be made a %s", o.name(), to)
}

// ConvertToType converts to the message's own type, and to `type`.
func (o *object) ConvertToType(to ref.Type) ref.Val {
	if to == types.TypeType {
		return objectType(o.name())
	}
	if to.TypeName() == o.name() {
		return o
	}
	return types.NewErr("a %s cannot be made a %s", o.name(), to.TypeName())
}

// Equal compares as Protobuf does.
func (o *object) Equal(other ref.Val) ref.Val {
	same, ok := other.(*object)
	return types.Bool(ok && o.name() == same.name() && proto.Equal(o.message.Interface(), same.message.Interface()))
}

// Type returns the message's type.
func (o *object) Type() ref.Type { return objectType(o.name()) }

// Value returns the message.
func (o *object) Value() any { return o.message }

// IsSet reports whether a field is set, if its name is not known before the evaluation.
func (o *object) IsSet(field ref.Val) ref.Val {
	found, fault := o.field(field)
	if fault != nil {
		return fault
	}
	return types.Bool(found.IsSet(o.message))
}

// Get reads a field, if its name is not known before the evaluation.
func (o *object) Get(field ref.Val) ref.Val {
	found, fault := o.field(field)
	if fault != nil {
		return fault
	}
	value, err := found.GetFrom(o.message)
	if err != nil {
		return types.WrapErr(err)
	}
	return o.typing.NativeToValue(value)
}

func (o *object) field(name ref.Val) (*types.FieldType, ref.Val) {
	text, ok := name.Value().(string)
	if !ok {
		return nil, types.MaybeNoSuchOverloadErr(name)
	}
	found, ok := o.typing.FindStructFieldType(o.name(), text)
	if !ok {
		return nil, types.NewErr("no such field: %s", text)
	}
	return found, nil
}
