package describe

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

// optionTexts returns options as .proto text, each as "name = value", ordered by number.
func optionTexts(read protoreflect.Message) []string {
	var texts []string
	for _, field := range setFields(read) {
		name := string(field.Name())
		if field.IsExtension() {
			name = "(" + string(field.FullName()) + ")"
		}
		value := read.Get(field)
		if field.IsList() {
			for i := range value.List().Len() {
				texts = append(texts, name+" = "+literal(field, value.List().Get(i)))
			}
			continue
		}
		texts = append(texts, optionText(name, field, value))
	}
	return texts
}

// readOptions decodes options again with the extensions of their files; nil when there are no options.
func readOptions(files *compile.Files, options proto.Message) protoreflect.Message {
	if options == nil || !options.ProtoReflect().IsValid() {
		return nil
	}
	encoded, err := proto.Marshal(options)
	if err != nil {
		return nil
	}
	read := options.ProtoReflect().New()
	if err := (proto.UnmarshalOptions{Resolver: files.Types, AllowPartial: true}).Unmarshal(encoded, read.Interface()); err != nil {
		return options.ProtoReflect()
	}
	return read
}

// optionText returns one option as text. It writes a message with a single field as a path: "(rules).string.min_len = 1".
func optionText(name string, field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	for field.Message() != nil && !field.IsMap() && !field.IsList() {
		inner := setFields(value.Message())
		if len(inner) != 1 || inner[0].IsList() || inner[0].IsMap() || inner[0].IsExtension() {
			break
		}
		field, value = inner[0], value.Message().Get(inner[0])
		name += "." + string(field.Name())
	}
	return name + " = " + literal(field, value)
}

// setFields returns the fields of a message that are set, by number.
func setFields(message protoreflect.Message) []protoreflect.FieldDescriptor {
	var fields []protoreflect.FieldDescriptor
	message.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		fields = append(fields, field)
		return true
	})
	slices.SortFunc(fields, func(a, b protoreflect.FieldDescriptor) int { return cmp.Compare(a.Number(), b.Number()) })
	return fields
}

// literal returns one value as .proto text.
func literal(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return messageLiteral(value.Message())
	case protoreflect.EnumKind:
		if known := field.Enum().Values().ByNumber(value.Enum()); known != nil {
			return string(known.Name())
		}
		return strconv.Itoa(int(value.Enum()))
	case protoreflect.StringKind:
		return quoted(value.String())
	case protoreflect.BytesKind:
		return strconv.QuoteToASCII(string(value.Bytes()))
	case protoreflect.FloatKind:
		return floatLiteral(value.Float(), 32)
	case protoreflect.DoubleKind:
		return floatLiteral(value.Float(), 64)
	default:
		return fmt.Sprint(value.Interface())
	}
}

// floatLiteral returns a number in a form that is read as the same number.
func floatLiteral(f float64, bits int) string {
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'g', -1, bits)), "+")
	case f == 0 && math.Signbit(f):
		return "-0.0" // -0 is an integer, which has no sign
	default:
		return strconv.FormatFloat(f, 'g', -1, bits)
	}
}

// quoted returns a text in quotes.
func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		return strconv.Quote(text)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(encoded))
}

func messageLiteral(message protoreflect.Message) string {
	var parts []string
	for _, field := range setFields(message) {
		name := string(field.Name())
		if field.IsExtension() {
			name = "[" + string(field.FullName()) + "]"
		}
		parts = append(parts, name+": "+valueLiteral(field, message.Get(field)))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func valueLiteral(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	var parts []string
	switch {
	case field.IsMap():
		value.Map().Range(func(key protoreflect.MapKey, one protoreflect.Value) bool {
			parts = append(parts,
				"{key: "+literal(field.MapKey(), key.Value())+", value: "+literal(field.MapValue(), one)+"}")
			return true
		})
		slices.Sort(parts)
	case field.IsList():
		for i := range value.List().Len() {
			parts = append(parts, literal(field, value.List().Get(i)))
		}
	default:
		return literal(field, value)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
