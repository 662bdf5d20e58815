package schematest

import (
	"math"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// The options of optionsFile, by number.
const (
	doubleOption  = 50001
	floatOption   = 50002
	messageOption = 50003
	predefined    = 50004
)

// optionsFile declares options of fields, and a rule for numbers.
func optionsFile() *descriptorpb.FileDescriptorProto {
	extend := func(of, name string, number int32, kind fieldKind, typeName string) *fieldProto {
		field := &fieldProto{
			Extendee: &of, Name: &name, Number: &number, Label: optional, Type: kind.Enum(),
		}
		if typeName != "" {
			field.TypeName = &typeName
		}
		return field
	}
	const fieldOptions = ".google.protobuf.FieldOptions"
	rule := extend(".buf.validate.Int32Rules", "below", predefined, descriptorpb.FieldDescriptorProto_TYPE_INT32, "")
	rule.Options = &descriptorpb.FieldOptions{}
	proto.SetExtension(rule.Options, validate.E_Predefined, &validate.PredefinedRules{Cel: []*validate.Rule{{
		Id: proto.String("int32.below"), Expression: proto.String("this < rule ? '' : 'too large'"),
	}}})
	detail := &descriptorpb.DescriptorProto{Name: proto.String("Detail"), Field: []*fieldProto{
		{Name: proto.String("share"), Number: proto.Int32(1), Label: optional, Type: descriptorpb.FieldDescriptorProto_TYPE_DOUBLE.Enum()},
		{Name: proto.String("shares"), Number: proto.Int32(2), Label: repeated, Type: descriptorpb.FieldDescriptorProto_TYPE_FLOAT.Enum()},
		{Name: proto.String("raw"), Number: proto.Int32(3), Label: optional, Type: descriptorpb.FieldDescriptorProto_TYPE_BYTES.Enum()},
	}}
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("pair/options.proto"), Package: proto.String("pair.options"),
		Dependency:  []string{"google/protobuf/descriptor.proto", "buf/validate/validate.proto"},
		MessageType: []*descriptorpb.DescriptorProto{detail},
		Extension: []*fieldProto{
			extend(fieldOptions, "ratio", doubleOption, descriptorpb.FieldDescriptorProto_TYPE_DOUBLE, ""),
			extend(fieldOptions, "weight", floatOption, descriptorpb.FieldDescriptorProto_TYPE_FLOAT, ""),
			extend(fieldOptions, "detail", messageOption, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, ".pair.options.Detail"),
			rule,
		},
	}
}

func (d *draft) double() float64 {
	return one(d, 1e-9, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, math.SmallestNonzeroFloat64, -0.5, 3, 1e21, 1e23,
		math.Copysign(0, -1))
}

// addOption gives a field a random option.
func (d *draft) addOption(field *fieldProto) {
	if field.Options == nil {
		field.Options = &descriptorpb.FieldOptions{}
	}
	switch d.random.IntN(7) {
	case 0:
		field.Options.Deprecated = proto.Bool(true)
	case 1:
		proto.SetExtension(field.Options, validate.E_Field, d.rules(field))
	case 2:
		d.custom(field.Options, protowire.AppendFixed64(protowire.AppendTag(nil, doubleOption, protowire.Fixed64Type), math.Float64bits(d.double())))
	case 3:
		d.custom(field.Options, protowire.AppendFixed32(protowire.AppendTag(nil, floatOption, protowire.Fixed32Type),
			math.Float32bits(float32(d.double()))))
	case 4:
		content := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(d.double()))
		for range d.random.IntN(3) {
			content = protowire.AppendFixed32(protowire.AppendTag(content, 2, protowire.Fixed32Type), math.Float32bits(float32(d.double())))
		}
		content = protowire.AppendBytes(protowire.AppendTag(content, 3, protowire.BytesType), []byte{0, 255, '"'})
		d.custom(field.Options, protowire.AppendBytes(protowire.AppendTag(nil, messageOption, protowire.BytesType), content))
	case 5:
		if d.edition == edition2023 {
			d.feature(field)
		}
	case 6:
		field.JsonName = d.name("json")
	}
}

// custom adds an encoded option that only optionsFile declares. The file of the type must import optionsFile.
func (d *draft) custom(options *descriptorpb.FieldOptions, encoded []byte) {
	options.ProtoReflect().SetUnknown(append(options.ProtoReflect().GetUnknown(), encoded...))
}

// feature sets a feature that the field can have.
func (d *draft) feature(field *fieldProto) {
	isMessage := field.GetType() == descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	switch {
	case isMessage:
		field.Options.Features = &descriptorpb.FeatureSet{MessageEncoding: descriptorpb.FeatureSet_DELIMITED.Enum()}
	case field.GetLabel() == *repeated && isNumber(field.GetType()):
		field.Options.Features = &descriptorpb.FeatureSet{RepeatedFieldEncoding: descriptorpb.FeatureSet_EXPANDED.Enum()}
	case field.GetLabel() == *optional && field.Extendee == nil:
		field.Options.Features = &descriptorpb.FeatureSet{FieldPresence: one(d,
			descriptorpb.FeatureSet_IMPLICIT, descriptorpb.FeatureSet_LEGACY_REQUIRED).Enum()}
	}
}

// withoutFeatures removes the features of a field whose presence is fixed: an extension or a field of a oneof.
func withoutFeatures(field *fieldProto) {
	if field.Options != nil {
		field.Options.Features = nil
	}
}

func isNumber(kind fieldKind) bool {
	switch kind {
	case descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_BYTES,
		descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, descriptorpb.FieldDescriptorProto_TYPE_GROUP:
		return false
	default:
		return true
	}
}

// rules returns rules that, most of the time, fit the field.
func (d *draft) rules(field *fieldProto) *validate.FieldRules {
	rules := &validate.FieldRules{}
	if d.chance(0.2) {
		rules.Required = proto.Bool(true)
	}
	switch field.GetType() {
	case descriptorpb.FieldDescriptorProto_TYPE_DOUBLE:
		rules.Type = &validate.FieldRules_Double{Double: &validate.DoubleRules{
			GreaterThan: &validate.DoubleRules_Gte{Gte: one(d, 1e-9, -1e300, math.Inf(-1))},
		}}
	case descriptorpb.FieldDescriptorProto_TYPE_STRING:
		rules.Type = &validate.FieldRules_String_{String_: &validate.StringRules{MaxLen: proto.Uint64(uint64(d.random.IntN(99)))}}
	case descriptorpb.FieldDescriptorProto_TYPE_INT32:
		limits := &validate.Int32Rules{}
		limits.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, predefined, protowire.VarintType), d.random.Uint64N(99)))
		rules.Type = &validate.FieldRules_Int32{Int32: limits}
	default:
		rules.Cel = []*validate.Rule{{Id: proto.String("c"), Expression: proto.String(one(d, "true", "this == this", "size(this) < 3"))}}
	}
	if field.GetLabel() == *repeated {
		rules = &validate.FieldRules{Type: &validate.FieldRules_Repeated{Repeated: &validate.RepeatedRules{
			MinItems: proto.Uint64(1), Items: rules,
		}}}
	}
	return rules
}
