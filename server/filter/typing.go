package filter

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// eventType is the CEL name of the type of `event`.
const eventType = "postrider.event"

// typing provides CEL with the types of `event` and of all declarations of a schema version. It is immutable.
type typing struct {
	// base has the types of every expression.
	base *types.Registry
	// root is the message of `event.data`; nil for events without a schema.
	root  protoreflect.MessageDescriptor
	files files
	// newest are the files of the type's newest version, if that is another one: fields that only it has read as
	// unset.
	newest files
	event  map[string]*types.FieldType
}

// newTyping returns the typing of events of a schema version, root, whose type has a newest version; both are nil for untyped
// events.
func newTyping(base *types.Registry, root, newest protoreflect.MessageDescriptor) *typing {
	t := &typing{base: base, root: root}
	if root != nil {
		t.files = filesOf(root.ParentFile())
		if newest != root {
			t.newest = filesOf(newest.ParentFile())
		}
	}
	t.event = eventFields(t.dataType())
	return t
}

func (t *typing) dataType() *types.Type {
	if t.root == nil {
		return types.NewMapType(types.StringType, types.DynType)
	}
	return messageType(t.root)
}

// EnumValue returns the number of an enum's value.
func (t *typing) EnumValue(name string) ref.Val {
	if number, ok := t.files.enumValue(name); ok {
		return types.Int(number)
	}
	if number, ok := t.newest.enumValue(name); ok {
		return types.Int(number)
	}
	return t.base.EnumValue(name)
}

// FindIdent resolves a name to a value of an enum or to a message's type.
func (t *typing) FindIdent(name string) (ref.Val, bool) {
	if number, ok := t.files.enumValue(name); ok {
		return types.Int(number), true
	}
	if number, ok := t.newest.enumValue(name); ok {
		return types.Int(number), true
	}
	if t.message(name) != nil {
		return objectType(name), true
	}
	return t.base.FindIdent(name)
}

// message returns a message of this version, or of the newest if this one has none with that name.
func (t *typing) message(name string) protoreflect.MessageDescriptor {
	if _, known := t.base.FindStructType(name); known {
		return nil
	}
	if found := t.files.message(name); found != nil {
		return found
	}
	return t.newest.message(name)
}

// FindStructType reports whether there is such a type.
func (t *typing) FindStructType(name string) (*types.Type, bool) {
	if name == eventType || t.message(name) != nil {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return t.base.FindStructType(name)
}

// FindStructFieldNames returns the names of the fields of a type.
func (t *typing) FindStructFieldNames(name string) ([]string, bool) {
	if name == eventType {
		return eventFieldNames, true
	}
	message := t.message(name)
	if message == nil {
		return t.base.FindStructFieldNames(name)
	}
	names := make([]string, message.Fields().Len())
	for i := range names {
		names[i] = string(message.Fields().Get(i).Name())
	}
	return names, true
}

// FindStructFieldType returns the type of a field and a function that reads it.
func (t *typing) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if name == eventType {
		found, ok := t.event[field]
		return found, ok
	}
	message := t.message(name)
	if message == nil {
		return t.base.FindStructFieldType(name, field)
	}
	if found := fieldOf(message, field); found != nil {
		return t.present(found), true
	}
	if found := fieldOf(t.newest.message(name), field); found != nil {
		return t.absent(found), true
	}
	return nil, false
}

// NewValue returns an error: filters do not create messages.
func (t *typing) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if t.message(name) != nil || name == eventType {
		return types.NewErr("a filter cannot make a %s", name)
	}
	return t.base.NewValue(name, fields)
}

// present reads a field of this version.
func (t *typing) present(fd protoreflect.FieldDescriptor) *types.FieldType {
	unset := t.absent(fd)
	return &types.FieldType{
		Type: fieldType(fd),
		IsSet: func(target any) bool {
			m, ok := target.(protoreflect.Message)
			return ok && m.Descriptor() == fd.ContainingMessage() && m.Has(fd)
		},
		GetFrom: func(target any) (any, error) {
			m, ok := target.(protoreflect.Message)
			if !ok || m.Descriptor() != fd.ContainingMessage() {
				// The value of an absent field is this message: an empty one of another version.
				return unset.GetFrom(target)
			}
			return t.fieldValue(fd, m.Get(fd))
		},
	}
}

// absent reads a field that the event cannot have.
func (t *typing) absent(fd protoreflect.FieldDescriptor) *types.FieldType {
	empty := dynamicpb.NewMessage(fd.ContainingMessage())
	return &types.FieldType{
		Type:    fieldType(fd),
		IsSet:   func(any) bool { return false },
		GetFrom: func(any) (any, error) { return t.fieldValue(fd, empty.Get(fd)) },
	}
}

// fieldType returns the CEL type of a field.
func fieldType(fd protoreflect.FieldDescriptor) *types.Type {
	switch {
	case fd.IsMap():
		return types.NewMapType(singleType(fd.MapKey()), singleType(fd.MapValue()))
	case fd.IsList():
		return types.NewListType(singleType(fd))
	default:
		return singleType(fd)
	}
}

func singleType(fd protoreflect.FieldDescriptor) *types.Type {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return types.BoolType
	case protoreflect.StringKind:
		return types.StringType
	case protoreflect.BytesKind:
		return types.BytesType
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return types.DoubleType
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return types.UintType
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return messageType(fd.Message())
	default: // the other integers and enums
		return types.IntType
	}
}

func messageType(message protoreflect.MessageDescriptor) *types.Type {
	switch message.FullName() {
	case "google.protobuf.Timestamp":
		return types.TimestampType
	case "google.protobuf.Duration":
		return types.DurationType
	case "google.protobuf.Any":
		return types.AnyType
	case "google.protobuf.Value":
		return types.DynType
	case "google.protobuf.Struct":
		return types.NewMapType(types.StringType, types.DynType)
	case "google.protobuf.ListValue":
		return types.NewListType(types.DynType)
	}
	if isWrapper(message) {
		return types.NewNullableType(singleType(message.Fields().ByNumber(1)))
	}
	return types.NewObjectType(string(message.FullName()))
}

// isWrapper reports whether a message is one of google/protobuf/wrappers.proto, which represent a value or null.
func isWrapper(message protoreflect.MessageDescriptor) bool {
	return message.FullName().Parent() == "google.protobuf" && message.ParentFile().Path() == "google/protobuf/wrappers.proto"
}
