package schematest

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

type (
	fieldProto = descriptorpb.FieldDescriptorProto
	fieldKind  = descriptorpb.FieldDescriptorProto_Type
)

var (
	optional = descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
	repeated = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	required = descriptorpb.FieldDescriptorProto_LABEL_REQUIRED.Enum()
)

// addField adds a field to a message: a single field, a repeated one, a map or one of a oneof.
func (d *draft) addField(file *descriptorpb.FileDescriptorProto, message *descriptorpb.DescriptorProto) {
	field := d.field(file)
	field.Name, field.Number = d.name("f"), d.freeNumber(message)
	message.Field = append(message.Field, field)
	switch {
	case d.chance(0.15):
		d.makeMap(file, message, field)
	case d.chance(0.15):
		d.intoOneof(message, field)
	}
	if d.edition == proto3 && field.GetLabel() == *optional && field.OneofIndex == nil && d.chance(0.2) {
		field.Proto3Optional = proto.Bool(true)
		field.OneofIndex = proto.Int32(int32(len(message.OneofDecl)))
		message.OneofDecl = append(message.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String("_" + field.GetName())})
	}
}

// freeNumber returns a number that, most of the time, no field of the message has.
func (d *draft) freeNumber(message *descriptorpb.DescriptorProto) *int32 {
	number := int32(1 + d.random.IntN(60))
	for d.chance(0.99) && slices.ContainsFunc(message.Field, func(f *fieldProto) bool { return f.GetNumber() == number }) {
		number++
	}
	return &number
}

// field returns a field without name and number.
func (d *draft) field(file *descriptorpb.FileDescriptorProto) *fieldProto {
	field := &fieldProto{Label: one(d, optional, optional, repeated)}
	if d.edition == proto2 && d.chance(0.2) {
		field.Label = required
	}
	d.retype(file, field)
	if d.chance(0.3) {
		d.addOption(field)
	}
	return field
}

// retype gives a field another type.
func (d *draft) retype(file *descriptorpb.FileDescriptorProto, field *fieldProto) {
	field.TypeName, field.DefaultValue = nil, nil
	kind := fieldKind(1 + d.random.IntN(18))
	switch kind {
	case descriptorpb.FieldDescriptorProto_TYPE_GROUP, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE:
		kind = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
		field.TypeName = proto.String(d.messageName(file))
	case descriptorpb.FieldDescriptorProto_TYPE_ENUM:
		field.TypeName = proto.String("." + file.GetPackage() + "." + one(d, "E", "F"))
	default:
		d.addDefault(field, kind)
	}
	field.Type = kind.Enum()
}

func (d *draft) messageName(file *descriptorpb.FileDescriptorProto) string {
	names := []string{
		"." + file.GetPackage() + ".M", "." + file.GetPackage() + ".N", "." + file.GetPackage() + ".O",
		".google.protobuf.Any", ".google.protobuf.Struct", ".google.protobuf.Value", ".google.protobuf.Timestamp",
		".google.protobuf.Int64Value",
	}
	if slices.Contains(file.GetDependency(), "pair/other.proto") {
		names = append(names, ".pair.other.M", ".pair.other.O")
	}
	return one(d, names...)
}

func (d *draft) addDefault(field *fieldProto, kind fieldKind) {
	if d.edition == proto3 || field.GetLabel() == *repeated || d.chance(0.6) {
		return
	}
	switch kind {
	case descriptorpb.FieldDescriptorProto_TYPE_FLOAT, descriptorpb.FieldDescriptorProto_TYPE_DOUBLE:
		field.DefaultValue = proto.String(one(d, "inf", "-inf", "nan", "1e-09", "-0", "3.4028235e+38", "0.1", "5e-324"))
	case descriptorpb.FieldDescriptorProto_TYPE_BOOL:
		field.DefaultValue = proto.String(one(d, "true", "false"))
	case descriptorpb.FieldDescriptorProto_TYPE_STRING:
		field.DefaultValue = proto.String(one(d, "", "é\"'\\\n\x01", "??=", "%"))
	case descriptorpb.FieldDescriptorProto_TYPE_BYTES:
		field.DefaultValue = proto.String(one(d, "", `\000\377\"`, `a\\b`))
	default:
		field.DefaultValue = proto.String(strconv.Itoa(d.random.IntN(100)))
	}
}

// makeMap turns a field into a map.
func (d *draft) makeMap(file *descriptorpb.FileDescriptorProto, message *descriptorpb.DescriptorProto, field *fieldProto) {
	name := entryName(field.GetName())
	key, value := &fieldProto{Name: proto.String("key"), Number: proto.Int32(1), Label: optional}, d.field(file)
	key.Type = one(d, descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_INT32,
		descriptorpb.FieldDescriptorProto_TYPE_BOOL, descriptorpb.FieldDescriptorProto_TYPE_UINT64).Enum()
	value.Name, value.Number, value.Label, value.DefaultValue = proto.String("value"), proto.Int32(2), optional, nil
	value.Options = nil
	message.NestedType = append(message.NestedType, &descriptorpb.DescriptorProto{
		Name: &name, Field: []*fieldProto{key, value}, Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
	})
	field.Label, field.DefaultValue, field.Options = repeated, nil, nil
	field.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
	field.TypeName = proto.String("." + file.GetPackage() + "." + message.GetName() + "." + name)
}

// entryName returns the name that a compiler gives to the entries of a map: "f1" has "F1Entry".
func entryName(field string) string { return string(field[0]-'a'+'A') + field[1:] + "Entry" }

// intoOneof moves a field into a oneof.
func (d *draft) intoOneof(message *descriptorpb.DescriptorProto, field *fieldProto) {
	if field.GetLabel() != *optional || field.OneofIndex != nil {
		return
	}
	if len(message.OneofDecl) == 0 {
		message.OneofDecl = append(message.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: d.name("o")})
	}
	field.OneofIndex = proto.Int32(0)
	withoutFeatures(field)
	// The fields of a oneof must be adjacent.
	at := slices.Index(message.Field, field)
	message.Field = slices.Insert(slices.Delete(message.Field, at, at+1), 0, field)
}
