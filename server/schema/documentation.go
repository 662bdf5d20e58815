package schema

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"buf.build/go/protovalidate"
)

// Documentation is a version of an event type as people read it, made from comments and rules.
type Documentation struct {
	// Messages begin with the type's own; then come those it uses, in the order in which they are met.
	Messages []MessageDocumentation
	Enums    []EnumDocumentation
	// Example is a payload that the schema accepts, as indented JSON; empty when none could be made.
	Example string
	// Source is the declaration of the type's message as .proto text.
	Source string
}

// MessageDocumentation describes a message.
type MessageDocumentation struct {
	// Name is the full name.
	Name, Comment string
	Fields        []FieldDocumentation
	// Rules are of the message as a whole, for people.
	Rules      []string
	Deprecated bool
}

// FieldDocumentation describes a field.
type FieldDocumentation struct {
	Name, JSONName string
	Number         int32
	// Type is as .proto has it, with full names; Reference the full name of the message or enum in it, empty for scalars.
	Type, Reference string
	Comment         string
	// Rules are for people: "at most 64 characters".
	Rules []string
	// Oneof is the name of the oneof it belongs to.
	Oneof string
	// Required means that a rule or proto2 wants it set.
	Required, Deprecated bool
}

// EnumDocumentation describes an enum.
type EnumDocumentation struct {
	// Name is the full name.
	Name, Comment string
	Values        []EnumValueDocumentation
}

// EnumValueDocumentation describes a value of an enum.
type EnumValueDocumentation struct {
	Name       string
	Number     int32
	Comment    string
	Deprecated bool
}

// Documentation describes the type's message and all that its payloads can hold, but for what every schema shares.
func (t *Type) Documentation() (Documentation, error) {
	compiled, err := t.compile()
	if err != nil {
		return Documentation{}, err
	}
	source, err := declarationText(compiled.descriptor)
	if err != nil {
		return Documentation{}, err
	}
	documented := Documentation{Example: t.example(compiled), Source: source}
	reached := &reach{}
	reached.message(compiled.descriptor)
	for _, one := range reached.messages {
		documented.Messages = append(documented.Messages, compiled.bundle.documentMessage(one))
	}
	for _, one := range reached.enums {
		documented.Enums = append(documented.Enums, documentEnum(one))
	}
	return documented, nil
}

// optioned is what may be marked as deprecated.
type optioned interface{ GetDeprecated() bool }

func deprecated(d protoreflect.Descriptor) bool {
	options, ok := d.Options().(optioned)
	return ok && options.GetDeprecated()
}

func (b *bundle) documentMessage(message protoreflect.MessageDescriptor) MessageDocumentation {
	documented := MessageDocumentation{
		Name: string(message.FullName()), Comment: comment(message), Deprecated: deprecated(message),
		Rules: messageWords(message),
	}
	for i := range message.Fields().Len() {
		documented.Fields = append(documented.Fields, b.documentField(message.Fields().Get(i)))
	}
	return documented
}

func (b *bundle) documentField(field protoreflect.FieldDescriptor) FieldDocumentation {
	documented := FieldDocumentation{
		Name: string(field.Name()), JSONName: field.JSONName(), Number: int32(field.Number()),
		Type: fieldType(field), Comment: comment(field), Rules: b.fieldWords(field),
		Required: required(field), Deprecated: deprecated(field),
	}
	if field.IsList() {
		documented.Type = "repeated " + documented.Type
	}
	value := field
	if field.IsMap() {
		value = field.MapValue()
	}
	if named := typeDescriptor(value); named != nil {
		documented.Reference = string(named.FullName())
	}
	if one := field.ContainingOneof(); one != nil && !one.IsSynthetic() {
		documented.Oneof = string(one.Name())
	}
	return documented
}

// required reports whether a payload without the field is refused.
func required(field protoreflect.FieldDescriptor) bool {
	if field.Cardinality() == protoreflect.Required {
		return true
	}
	rules, err := protovalidate.ResolveFieldRules(field)
	return err == nil && rules.GetRequired()
}

func documentEnum(enum protoreflect.EnumDescriptor) EnumDocumentation {
	documented := EnumDocumentation{Name: string(enum.FullName()), Comment: comment(enum)}
	for i := range enum.Values().Len() {
		value := enum.Values().Get(i)
		documented.Values = append(documented.Values, EnumValueDocumentation{
			Name: string(value.Name()), Number: int32(value.Number()), Comment: comment(value), Deprecated: deprecated(value),
		})
	}
	return documented
}
