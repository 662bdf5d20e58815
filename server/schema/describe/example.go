package describe

import (
	"bytes"
	"encoding/json"
	"fmt"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// Limits of an example: the nesting of its messages, and the number of its fields.
const (
	exampleDepth  = 5
	exampleFields = 200
)

// example returns a payload that the schema accepts, as indented JSON. It has every field if such a payload passes the
// rules, otherwise only the fields that are required. It is empty when neither passes.
func example(of *codec.Message) string {
	for _, full := range []bool{true, false} {
		maker := &exampleMaker{full: full}
		payload := dynamicpb.NewMessage(of.Descriptor())
		maker.message(payload, 0)
		canonical, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(payload)
		if err != nil {
			continue
		}
		text, err := of.Render(canonical, false)
		if err != nil {
			continue
		}
		if _, violations, err := of.Accept(codec.JSON(text, nil), true); err != nil || len(violations) > 0 {
			continue
		}
		var indented bytes.Buffer
		if json.Indent(&indented, text, "", "  ") == nil {
			return indented.String()
		}
	}
	return ""
}

// exampleMaker fills messages with values that match their rules. It considers each rule alone.
type exampleMaker struct {
	// full means that optional fields are filled, too.
	full   bool
	filled int
}

func (e *exampleMaker) message(m protoreflect.Message, depth int) {
	if fillWellKnown(m) {
		return
	}
	fields := m.Descriptor().Fields()
	chosen := make(map[protoreflect.Name]bool)
	for i := range fields.Len() {
		field := fields.Get(i)
		one := field.ContainingOneof()
		if one != nil && chosen[one.Name()] || !e.wants(field, depth) {
			continue
		}
		if one != nil {
			chosen[one.Name()] = true
		}
		e.filled++
		e.field(m, field, depth)
	}
}

// wants reports whether a field should be filled.
func (e *exampleMaker) wants(field protoreflect.FieldDescriptor, depth int) bool {
	rules := compile.RulesOf(field)
	if e.filled >= exampleFields || depth > 2*exampleDepth {
		return false
	}
	needed := required(field) || rules.GetRepeated().GetMinItems() > 0 || rules.GetMap().GetMinPairs() > 0
	if one := field.ContainingOneof(); one != nil && one.Fields().Get(0) == field {
		oneof, err := protovalidate.ResolveOneofRules(one)
		needed = needed || err == nil && oneof.GetRequired()
	}
	ruled := rules.GetType() != nil && rules.GetIgnore() == validate.Ignore_IGNORE_UNSPECIFIED && !field.HasPresence()
	return needed || ruled || e.full && depth < exampleDepth && !deprecated(field)
}

func (e *exampleMaker) field(m protoreflect.Message, field protoreflect.FieldDescriptor, depth int) {
	rules := compile.RulesOf(field)
	switch {
	case field.IsMap():
		entries := m.Mutable(field).Map()
		for i := range atLeastOne(rules.GetMap().GetMinPairs()) {
			key := e.value(field.MapKey(), rules.GetMap().GetKeys(), nil, i, depth).MapKey()
			entries.Set(key, e.value(field.MapValue(), rules.GetMap().GetValues(), entries.NewValue, i, depth))
		}
	case field.IsList():
		list := m.Mutable(field).List()
		for i := range atLeastOne(rules.GetRepeated().GetMinItems()) {
			list.Append(e.value(field, rules.GetRepeated().GetItems(), list.NewElement, i, depth))
		}
	default:
		m.Set(field, e.value(field, rules, func() protoreflect.Value { return m.NewField(field) }, 0, depth))
	}
}

// atLeastOne returns the number of entries of a collection in an example: at least one and at most 50, because more would be
// hard to read.
func atLeastOne(least uint64) int { return int(min(max(least, 1), 50)) }

// value returns a value; i makes the values of a collection different.
func (e *exampleMaker) value(
	field protoreflect.FieldDescriptor, rules *validate.FieldRules, fresh func() protoreflect.Value, i, depth int,
) protoreflect.Value {
	typed := typedRules(rules)
	if field.Message() == nil {
		return scalarExample(field, typed, i)
	}
	value := fresh()
	switch name := field.Message().FullName(); {
	case name == "google.protobuf.Timestamp" || name == "google.protobuf.Duration":
		timeExample(value.Message(), typed)
	case isWrapper(name):
		inner := value.Message().Descriptor().Fields().ByName("value")
		value.Message().Set(inner, scalarExample(inner, typed, i))
	default:
		e.message(value.Message(), depth+1)
	}
	return value
}

// typedRules returns the rules for the field's kind of value, nil when there are none.
func typedRules(rules *validate.FieldRules) protoreflect.Message {
	if rules == nil {
		return nil
	}
	reflected := rules.ProtoReflect()
	if typed := reflected.WhichOneof(reflected.Descriptor().Oneofs().ByName("type")); typed != nil {
		return reflected.Get(typed).Message()
	}
	return nil
}

// ruleOf returns the value of a rule.
func ruleOf(rules protoreflect.Message, name protoreflect.Name) (protoreflect.Value, bool) {
	if rules == nil {
		return protoreflect.Value{}, false
	}
	field := rules.Descriptor().Fields().ByName(name)
	if field == nil || !rules.Has(field) {
		return protoreflect.Value{}, false
	}
	return rules.Get(field), true
}

// givenExample returns a value that the rules contain: the only allowed one, one of the allowed ones, or an example.
func givenExample(rules protoreflect.Message, i int) (protoreflect.Value, bool) {
	if value, ok := ruleOf(rules, "const"); ok {
		return value, true
	}
	for _, name := range []protoreflect.Name{"in", "example"} {
		if value, ok := ruleOf(rules, name); ok {
			return value.List().Get(i % value.List().Len()), true
		}
	}
	return protoreflect.Value{}, false
}

func scalarExample(field protoreflect.FieldDescriptor, rules protoreflect.Message, i int) protoreflect.Value {
	given, ok := givenExample(rules, i)
	switch {
	case field.Kind() == protoreflect.EnumKind:
		return enumExample(field.Enum(), rules, given, ok)
	case ok:
		return given
	}
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(textExample(string(field.Name()), rules, i))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(textExample(string(field.Name()), rules, i)))
	default:
		return numberExample(field.Kind(), rules, i)
	}
}

func enumExample(
	enum protoreflect.EnumDescriptor, rules protoreflect.Message, given protoreflect.Value, ok bool,
) protoreflect.Value {
	if ok {
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(given.Int()))
	}
	barred := make(map[int64]bool)
	if list, ok := ruleOf(rules, "not_in"); ok {
		for i := range list.List().Len() {
			barred[list.List().Get(i).Int()] = true
		}
	}
	best := enum.Values().Get(0).Number()
	for i := range enum.Values().Len() {
		if value := enum.Values().Get(i); value.Number() != 0 && !barred[int64(value.Number())] && !deprecated(value) {
			return protoreflect.ValueOfEnum(value.Number())
		}
	}
	return protoreflect.ValueOfEnum(best)
}

func isWrapper(name protoreflect.FullName) bool {
	switch name {
	case "google.protobuf.BoolValue", "google.protobuf.BytesValue", "google.protobuf.StringValue",
		"google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int32Value",
		"google.protobuf.Int64Value", "google.protobuf.UInt32Value", "google.protobuf.UInt64Value":
		return true
	}
	return false
}

// fillWellKnown fills a message whose JSON form is not an object of its fields, and reports whether the message is such a
// type.
func fillWellKnown(m protoreflect.Message) bool {
	fields := m.Descriptor().Fields()
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp", "google.protobuf.Duration":
		timeExample(m, nil)
	case "google.protobuf.Value":
		m.Set(fields.ByName("string_value"), protoreflect.ValueOfString("any"))
	case "google.protobuf.Struct":
		entries := m.Mutable(fields.ByName("fields")).Map()
		value := entries.NewValue()
		fillWellKnown(value.Message())
		entries.Set(protoreflect.ValueOfString("key").MapKey(), value)
	case "google.protobuf.ListValue", "google.protobuf.FieldMask", "google.protobuf.Any":
		// An empty message is valid.
	default:
		return false
	}
	return true
}

// numbered makes the texts of a collection different.
func numbered(text string, i int) string {
	if i == 0 {
		return text
	}
	return fmt.Sprintf("%s%d", text, i+1)
}
