package describe

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/schema/compile"

	"buf.build/go/protovalidate"
)

// Documentation is the documentation of a version of an event type, made from comments and rules.
type Documentation struct {
	// Messages begins with the message of the type. The messages that it uses follow in the order in which they are found.
	Messages []MessageDocumentation
	Enums    []EnumDocumentation
	// Example is a payload that the schema accepts, as indented JSON. It is empty when no example could be made.
	Example string
	// Source is the declaration of the type's message as .proto text.
	Source string
}

// MessageDocumentation describes a message.
type MessageDocumentation struct {
	// Name is the full name.
	Name, Comment string
	Fields        []FieldDocumentation
	// Rules are the rules of the message as a whole, in words.
	Rules      []string
	Deprecated bool
}

// FieldDocumentation describes a field.
type FieldDocumentation struct {
	Name, JSONName string
	Number         int32
	// Type is the type as .proto text, with full names. Reference is the full name of the message or enum in it, empty for
	// scalars.
	Type, Reference string
	Comment         string
	// Rules are in words: "at most 64 characters".
	Rules []string
	// Oneof is the name of the oneof to which the field belongs.
	Oneof string
	// Required means that a rule or proto2 requires the field.
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

// Document describes a message and everything that its payloads can hold, except for the files that all schemas share.
func Document(message *codec.Message) (Documentation, error) {
	source, err := compile.Print(message.Descriptor())
	if err != nil {
		return Documentation{}, err
	}
	words := ruleWords{message.Files()}
	documented := Documentation{Example: example(message), Source: source}
	reached := &compile.Reachable{}
	reached.Add(message.Descriptor())
	for _, one := range reached.Messages {
		documented.Messages = append(documented.Messages, words.documentMessage(one))
	}
	for _, one := range reached.Enums {
		documented.Enums = append(documented.Enums, documentEnum(one))
	}
	return documented, nil
}

// optioned is implemented by options that can mark something as deprecated.
type optioned interface{ GetDeprecated() bool }

func deprecated(d protoreflect.Descriptor) bool {
	options, ok := d.Options().(optioned)
	return ok && options.GetDeprecated()
}

func (w ruleWords) documentMessage(message protoreflect.MessageDescriptor) MessageDocumentation {
	documented := MessageDocumentation{
		Name: string(message.FullName()), Comment: compile.Comment(message), Deprecated: deprecated(message),
		Rules: messageWords(message),
	}
	for i := range message.Fields().Len() {
		documented.Fields = append(documented.Fields, w.documentField(message.Fields().Get(i)))
	}
	return documented
}

func (w ruleWords) documentField(field protoreflect.FieldDescriptor) FieldDocumentation {
	documented := FieldDocumentation{
		Name: string(field.Name()), JSONName: field.JSONName(), Number: int32(field.Number()),
		Type: fieldType(field), Comment: compile.Comment(field), Rules: w.field(field),
		Required: required(field), Deprecated: deprecated(field),
	}
	if field.IsList() {
		documented.Type = "repeated " + documented.Type
	}
	value := field
	if field.IsMap() {
		value = field.MapValue()
	}
	if named := NamedType(value); named != nil {
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
	documented := EnumDocumentation{Name: string(enum.FullName()), Comment: compile.Comment(enum)}
	for i := range enum.Values().Len() {
		value := enum.Values().Get(i)
		documented.Values = append(documented.Values, EnumValueDocumentation{
			Name: string(value.Name()), Number: int32(value.Number()), Comment: compile.Comment(value), Deprecated: deprecated(value),
		})
	}
	return documented
}
