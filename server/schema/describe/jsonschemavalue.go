package describe

import (
	"encoding/base64"
	"math"
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

// messageValue describes a message: with a reference, or with the JSON form of a well-known type.
func messageValue(message protoreflect.MessageDescriptor, rules protoreflect.Message) keywords {
	name := message.FullName()
	if isWrapper(name) {
		return scalarValue(message.Fields().ByName("value").Kind(), rules)
	}
	switch name {
	case "google.protobuf.Timestamp":
		return keywords{"type": "string", "format": "date-time"}
	case "google.protobuf.Duration":
		return keywords{"type": "string", "pattern": `^-?[0-9]+(\.[0-9]{1,9})?s$`}
	case "google.protobuf.FieldMask":
		return keywords{"type": "string"}
	case "google.protobuf.Struct":
		return keywords{"type": "object"}
	case "google.protobuf.Value":
		return keywords{}
	case "google.protobuf.ListValue":
		return keywords{"type": "array"}
	case "google.protobuf.Empty":
		return keywords{"type": "object", "additionalProperties": false}
	case "google.protobuf.Any":
		return keywords{
			"type": "object", "properties": keywords{"@type": keywords{"type": "string"}}, "required": []string{"@type"},
		}
	}
	if compile.IsShared(message.ParentFile().Path()) {
		return keywords{"type": "object"}
	}
	return keywords{"$ref": reference(message)}
}

// enumValue describes an enum by the names of its values. An undeclared value is a number, which is allowed unless the rules
// exclude it.
func enumValue(enum protoreflect.EnumDescriptor, rules protoreflect.Message) keywords {
	if enum.FullName() == "google.protobuf.NullValue" {
		return keywords{"type": "null"}
	}
	names := []string{}
	for i := range enum.Values().Len() {
		if value := enum.Values().Get(i); numberIsAllowed(rules, int64(value.Number())) {
			names = append(names, string(value.Name()))
		}
	}
	_, listed := ruleOf(rules, "in")
	_, fixed := ruleOf(rules, "const")
	defined, _ := ruleOf(rules, "defined_only")
	if listed || fixed || defined.IsValid() && defined.Bool() || enum.IsClosed() {
		return keywords{"enum": names}
	}
	return keywords{"anyOf": []keywords{{"enum": names}, {"type": "integer", "minimum": math.MinInt32, "maximum": math.MaxInt32}}}
}

// numberIsAllowed reports whether the lists of the rules allow a number.
func numberIsAllowed(rules protoreflect.Message, number int64) bool {
	among := func(list protoreflect.List) bool {
		for i := range list.Len() {
			if list.Get(i).Int() == number {
				return true
			}
		}
		return false
	}
	if only, ok := ruleOf(rules, "const"); ok && only.Int() != number {
		return false
	}
	if allowed, ok := ruleOf(rules, "in"); ok && !among(allowed.List()) {
		return false
	}
	barred, ok := ruleOf(rules, "not_in")
	return !ok || !among(barred.List())
}

func scalarValue(kind protoreflect.Kind, rules protoreflect.Message) keywords {
	switch kind {
	case protoreflect.BoolKind:
		written := keywords{"type": "boolean"}
		if only, ok := ruleOf(rules, "const"); ok {
			written["const"] = only.Bool()
		}
		return written
	case protoreflect.StringKind:
		return textValue(rules)
	case protoreflect.BytesKind:
		return bytesValue(rules)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return floatValue(rules)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return numberRules(keywords{"type": []string{"string", "integer"}, "pattern": integerPattern}, rules)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return numberRules(keywords{"type": []string{"string", "integer"}, "pattern": "^[0-9]+$", "minimum": 0}, rules)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return numberRules(keywords{"type": "integer", "minimum": 0, "maximum": uint32(math.MaxUint32)}, rules)
	default:
		return numberRules(keywords{"type": "integer", "minimum": math.MinInt32, "maximum": math.MaxInt32}, rules)
	}
}

// floatValue describes a float: a number, or the name of an infinity or NaN.
func floatValue(rules protoreflect.Message) keywords {
	number := numberRules(keywords{"type": "number"}, rules)
	if finite, ok := ruleOf(rules, "finite"); ok && finite.Bool() {
		return number
	}
	return keywords{"anyOf": []any{number, keywords{"enum": []string{"NaN", "Infinity", "-Infinity"}}}}
}

// numberRules adds the rules of numbers. If the value may also be a string, the rules apply to numbers only, except for
// lists of values.
func numberRules(written keywords, rules protoreflect.Message) keywords {
	if rules == nil {
		return written
	}
	if !outside(rules) {
		setBounds(written, rules)
	} else {
		low, high := keywords{}, keywords{}
		lower, upper := bounds(rules)
		setBound(low, upper, rules)
		setBound(high, lower, rules)
		written["anyOf"] = []keywords{low, high}
	}
	if only, ok := ruleOf(rules, "const"); ok && !notFinite(only) {
		written["enum"] = numberForms(only)
	}
	if allowed, ok := ruleOf(rules, "in"); ok {
		written["enum"] = listForms(allowed.List())
	}
	if barred, ok := ruleOf(rules, "not_in"); ok {
		written["not"] = keywords{"enum": listForms(barred.List())}
	}
	return written
}

func setBounds(written keywords, rules protoreflect.Message) {
	lower, upper := bounds(rules)
	setBound(written, lower, rules)
	setBound(written, upper, rules)
}

func setBound(written keywords, bound protoreflect.FieldDescriptor, rules protoreflect.Message) {
	if bound == nil || notFinite(rules.Get(bound)) {
		return
	}
	keyword := map[protoreflect.Name]string{
		"gt": "exclusiveMinimum", "gte": "minimum", "lt": "exclusiveMaximum", "lte": "maximum",
	}[bound.Name()]
	written[keyword] = rules.Get(bound).Interface()
}

// notFinite reports whether JSON has no number for a value.
func notFinite(value protoreflect.Value) bool {
	switch number := value.Interface().(type) {
	case float64:
		return math.IsNaN(number) || math.IsInf(number, 0)
	case float32:
		return math.IsNaN(float64(number)) || math.IsInf(float64(number), 0)
	}
	return false
}

// numberForms returns the forms in which JSON may write a number.
func numberForms(value protoreflect.Value) []any {
	switch number := value.Interface().(type) {
	case int64, uint64:
		return []any{number, value.String()}
	default:
		if notFinite(value) {
			return nil
		}
		return []any{number}
	}
}

func listForms(list protoreflect.List) []any {
	forms := []any{}
	for i := range list.Len() {
		forms = append(forms, numberForms(list.Get(i))...)
	}
	return forms
}

func textValue(rules protoreflect.Message) keywords {
	written := keywords{"type": "string"}
	for rule, keyword := range map[protoreflect.Name]string{"min_len": "minLength", "max_len": "maxLength"} {
		if count, ok := ruleOf(rules, rule); ok {
			written[keyword] = count.Uint()
		}
	}
	if count, ok := ruleOf(rules, "len"); ok {
		written["minLength"], written["maxLength"] = count.Uint(), count.Uint()
	}
	for rule, format := range map[protoreflect.Name]string{
		"email": "email", "hostname": "hostname", "ipv4": "ipv4", "ipv6": "ipv6", "uri": "uri", "uri_ref": "uri-reference", "uuid": "uuid",
	} {
		if on, ok := ruleOf(rules, rule); ok && on.Bool() {
			written["format"] = format
		}
	}
	if patterns := textPatterns(rules); len(patterns) > 0 {
		written["allOf"] = patterns
	}
	textLists(written, rules)
	return written
}

// textPatterns returns the rules that are regular expressions or can be written as such.
func textPatterns(rules protoreflect.Message) []keywords {
	var patterns []keywords
	add := func(rule protoreflect.Name, pattern func(string) string) {
		if value, ok := ruleOf(rules, rule); ok {
			patterns = append(patterns, keywords{"pattern": pattern(value.String())})
		}
	}
	if value, ok := ruleOf(rules, "pattern"); ok && portable(value.String()) {
		patterns = append(patterns, keywords{"pattern": value.String()})
	}
	add("prefix", func(text string) string { return "^" + regexp.QuoteMeta(text) })
	add("suffix", func(text string) string { return regexp.QuoteMeta(text) + "$" })
	add("contains", regexp.QuoteMeta)
	if value, ok := ruleOf(rules, "not_contains"); ok {
		patterns = append(patterns, keywords{"not": keywords{"pattern": regexp.QuoteMeta(value.String())}})
	}
	return patterns
}

// portable reports whether a pattern has the same meaning in the regular expressions of JSON Schema.
func portable(pattern string) bool {
	for _, special := range []string{"(?", `\A`, `\z`, `\Q`, `\C`, `\p`, `\P`, "[[:"} {
		if strings.Contains(pattern, special) {
			return false
		}
	}
	return true
}

func textLists(written keywords, rules protoreflect.Message) {
	texts := func(list protoreflect.List) []string {
		read := []string{}
		for i := range list.Len() {
			read = append(read, list.Get(i).String())
		}
		return read
	}
	if only, ok := ruleOf(rules, "const"); ok {
		written["const"] = only.String()
	}
	if allowed, ok := ruleOf(rules, "in"); ok {
		written["enum"] = texts(allowed.List())
	}
	if barred, ok := ruleOf(rules, "not_in"); ok {
		written["not"] = keywords{"enum": texts(barred.List())}
	}
}

// bytesValue describes bytes. The lengths are those of the base64 text.
func bytesValue(rules protoreflect.Message) keywords {
	written := keywords{"type": "string", "contentEncoding": "base64"}
	limit := func(rule protoreflect.Name, keyword string, length func(int) int) {
		if count, ok := ruleOf(rules, rule); ok && count.Uint() < math.MaxInt32 {
			written[keyword] = length(int(count.Uint()))
		}
	}
	for _, rule := range []protoreflect.Name{"min_len", "len"} {
		limit(rule, "minLength", base64.RawStdEncoding.EncodedLen)
	}
	for _, rule := range []protoreflect.Name{"max_len", "len"} {
		limit(rule, "maxLength", base64.StdEncoding.EncodedLen)
	}
	return written
}
