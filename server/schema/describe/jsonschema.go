package describe

import (
	"encoding/json"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/schema/codec"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// JSONSchema returns a JSON Schema (draft 2020-12) of the JSON form in which the server writes an event type's payloads. A
// rule becomes a keyword if there is one for it, otherwise a "$comment".
func JSONSchema(eventType string, message *codec.Message) ([]byte, error) {
	root := message.Descriptor()
	w := &schemaWriter{words: ruleWords{message.Files()}}
	definitions := make(keywords)
	reached := &compile.Reachable{}
	reached.Add(root)
	for _, one := range reached.Messages {
		definitions[string(one.FullName())] = w.message(one)
	}
	written := keywords{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": eventType,
		"$ref": reference(root), "$defs": definitions,
	}
	if text := compile.Comment(root); text != "" {
		written["description"] = text
	}
	return json.MarshalIndent(written, "", "  ")
}

// keywords is an object of a JSON Schema.
type keywords map[string]any

// schemaWriter writes the declarations of one set of files as JSON Schema.
type schemaWriter struct{ words ruleWords }

func reference(message protoreflect.MessageDescriptor) string {
	return "#/$defs/" + string(message.FullName())
}

func (w *schemaWriter) message(message protoreflect.MessageDescriptor) keywords {
	properties, needed := make(keywords), []string{}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		properties[field.JSONName()] = w.field(field)
		if required(field) || zeroIsRefused(field) {
			needed = append(needed, field.JSONName())
		}
	}
	written := keywords{"type": "object", "properties": properties, "additionalProperties": false}
	if message.ExtensionRanges().Len() > 0 {
		written["patternProperties"] = keywords{`^\[.*\]$`: keywords{}}
	}
	if len(needed) > 0 {
		written["required"] = needed
	}
	if choices := choices(message); len(choices) > 0 {
		written["allOf"] = choices
	}
	describe(written, message, messageWords(message))
	return written
}

// describe adds the texts for people.
func describe(written keywords, d protoreflect.Descriptor, words []string) {
	if text := compile.Comment(d); text != "" {
		written["description"] = text
	}
	if deprecated(d) {
		written["deprecated"] = true
	}
	if len(words) > 0 {
		written["$comment"] = strings.Join(words, "; ")
	}
}

// choices returns the conditions for fields of which at most one may be set.
func choices(message protoreflect.MessageDescriptor) []keywords {
	var found []keywords
	for i := range message.Oneofs().Len() {
		one := message.Oneofs().Get(i)
		if one.IsSynthetic() {
			continue
		}
		var names []string
		for j := range one.Fields().Len() {
			names = append(names, one.Fields().Get(j).JSONName())
		}
		rules, err := protovalidate.ResolveOneofRules(one)
		found = append(found, oneOf(names, err == nil && rules.GetRequired()))
	}
	rules, err := protovalidate.ResolveMessageRules(message)
	if err != nil {
		return found
	}
	for _, one := range rules.GetOneof() {
		var names []string
		for _, name := range one.GetFields() {
			if field := message.Fields().ByName(protoreflect.Name(name)); field != nil {
				names = append(names, field.JSONName())
			}
		}
		found = append(found, oneOf(names, one.GetRequired()))
	}
	return found
}

// oneOf allows at most one of the names, or exactly one if one is needed.
func oneOf(names []string, needed bool) keywords {
	var cases []keywords
	for _, name := range names {
		cases = append(cases, keywords{"required": []string{name}})
	}
	if needed {
		return keywords{"oneOf": cases}
	}
	return keywords{"oneOf": append(cases, keywords{"not": keywords{"anyOf": cases}})}
}

func (w *schemaWriter) field(field protoreflect.FieldDescriptor) keywords {
	rules := compile.RulesOf(field)
	if rules.GetIgnore() == validate.Ignore_IGNORE_ALWAYS {
		rules = nil
	}
	var written keywords
	switch {
	case field.IsMap():
		written = w.mapping(field, rules)
	case field.IsList():
		written = keywords{"type": "array", "items": w.value(field, rules.GetRepeated().GetItems())}
		setCount(written, "minItems", rules, "min_items")
		setCount(written, "maxItems", rules, "max_items")
		if rules.GetRepeated().GetUnique() {
			written["uniqueItems"] = true
		}
	default:
		written = w.value(field, rules)
	}
	if rules.GetIgnore() == validate.Ignore_IGNORE_IF_ZERO_VALUE && !field.HasPresence() {
		written = keywords{"anyOf": []any{keywords{"const": zeroOf(field)}, written}}
	}
	describe(written, field, w.words.field(field))
	return written
}

// setCount sets a keyword if the rule is set.
func setCount(written keywords, keyword string, rules *validate.FieldRules, rule protoreflect.Name) {
	if count, ok := ruleOf(typedRules(rules), rule); ok {
		written[keyword] = count.Uint()
	}
}

// zeroOf returns the JSON value of an unset field without presence.
func zeroOf(field protoreflect.FieldDescriptor) any {
	switch {
	case field.IsMap():
		return keywords{}
	case field.IsList():
		return []any{}
	case field.Kind() == protoreflect.EnumKind:
		return string(field.DefaultEnumValue().Name())
	case field.Kind() == protoreflect.StringKind || field.Kind() == protoreflect.BytesKind:
		return ""
	case field.Kind() == protoreflect.BoolKind:
		return false
	default:
		return 0
	}
}

func (w *schemaWriter) mapping(field protoreflect.FieldDescriptor, rules *validate.FieldRules) keywords {
	written := keywords{"type": "object", "additionalProperties": w.value(field.MapValue(), rules.GetMap().GetValues())}
	setCount(written, "minProperties", rules, "min_pairs")
	setCount(written, "maxProperties", rules, "max_pairs")
	switch key := field.MapKey(); key.Kind() {
	case protoreflect.StringKind:
		written["propertyNames"] = w.value(key, rules.GetMap().GetKeys())
	case protoreflect.BoolKind:
		written["propertyNames"] = keywords{"enum": []string{"true", "false"}}
	default:
		written["propertyNames"] = keywords{"pattern": integerPattern}
	}
	return written
}

const integerPattern = "^-?[0-9]+$"

// value describes one value of a field.
func (w *schemaWriter) value(field protoreflect.FieldDescriptor, rules *validate.FieldRules) keywords {
	typed := typedRules(rules)
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return messageValue(field.Message(), typed)
	case protoreflect.EnumKind:
		return enumValue(field.Enum(), typed)
	default:
		return scalarValue(field.Kind(), typed)
	}
}

// zeroIsRefused reports whether the rules refuse an absent field because its zero value breaks them.
func zeroIsRefused(field protoreflect.FieldDescriptor) bool {
	rules := compile.RulesOf(field)
	if rules == nil || field.HasPresence() || rules.GetIgnore() != validate.Ignore_IGNORE_UNSPECIFIED {
		return false
	}
	typed := typedRules(rules)
	for _, name := range []protoreflect.Name{"min_len", "len", "min_bytes", "len_bytes", "min_items", "min_pairs"} {
		if least, ok := ruleOf(typed, name); ok && least.Uint() > 0 {
			return true
		}
	}
	if field.Kind() == protoreflect.EnumKind && !field.IsList() {
		barred, ok := ruleOf(typed, "not_in")
		for i := 0; ok && i < barred.List().Len(); i++ {
			if barred.List().Get(i).Int() == 0 {
				return true
			}
		}
	}
	return false
}
