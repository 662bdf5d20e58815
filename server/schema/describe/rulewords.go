package describe

import (
	"fmt"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

// ruleWords describes rules in words.
type ruleWords struct{ files *compile.Files }

// messageWords describes the rules of a message as a whole, including those of its oneofs.
func messageWords(message protoreflect.MessageDescriptor) []string {
	var words []string
	if rules, err := protovalidate.ResolveMessageRules(message); err == nil {
		words = celWords(rules.GetCelExpression(), rules.GetCel())
		for _, one := range rules.GetOneof() {
			text := "at most one of "
			if one.GetRequired() {
				text = "exactly one of "
			}
			words = append(words, text+strings.Join(one.GetFields(), ", "))
		}
	}
	for i := range message.Oneofs().Len() {
		one := message.Oneofs().Get(i)
		rules, err := protovalidate.ResolveOneofRules(one)
		if err != nil || !rules.GetRequired() {
			continue
		}
		var names []string
		for j := range one.Fields().Len() {
			names = append(names, string(one.Fields().Get(j).Name()))
		}
		words = append(words, "exactly one of "+strings.Join(names, ", "))
	}
	return words
}

// celWords describes rules that are expressions: by their message, or by the expression if there is no message.
func celWords(expressions []string, rules []*validate.Rule) []string {
	words := slices.Clone(expressions)
	for _, one := range rules {
		text := one.GetMessage()
		if text == "" {
			text = one.GetExpression()
		}
		words = append(words, text)
	}
	return words
}

// field describes the rules of a field.
func (w ruleWords) field(field protoreflect.FieldDescriptor) []string {
	rules, err := protovalidate.ResolveFieldRules(field)
	if err != nil || rules == nil {
		return nil
	}
	return w.rules(field, rules)
}

func (w ruleWords) rules(field protoreflect.FieldDescriptor, rules *validate.FieldRules) []string {
	if rules.GetIgnore() == validate.Ignore_IGNORE_ALWAYS {
		return nil
	}
	var words []string
	reflected := readOptions(w.files, rules)
	if reflected == nil {
		return nil
	}
	if typed := reflected.WhichOneof(reflected.Descriptor().Oneofs().ByName("type")); typed != nil {
		words = w.typed(field, typed.Name(), reflected.Get(typed).Message())
	}
	words = append(words, celWords(rules.GetCelExpression(), rules.GetCel())...)
	if len(words) > 0 && rules.GetIgnore() == validate.Ignore_IGNORE_IF_ZERO_VALUE {
		words = append(words, "or not set at all")
	}
	return words
}

// typed describes the rules for one kind of value.
func (w ruleWords) typed(field protoreflect.FieldDescriptor, kind protoreflect.Name, rules protoreflect.Message) []string {
	switch kind {
	case "repeated":
		return w.parts(rules, map[protoreflect.Name]part{"items": {"each", field}})
	case "map":
		return w.parts(rules, map[protoreflect.Name]part{
			"keys": {"each key", field.MapKey()}, "values": {"each value", field.MapValue()},
		})
	case "enum":
		return w.plain(rules, field.Enum())
	default:
		return w.plain(rules, nil)
	}
}

// part is a part of a collection that has rules of its own.
type part struct {
	name  string
	field protoreflect.FieldDescriptor
}

func (w ruleWords) parts(rules protoreflect.Message, parts map[protoreflect.Name]part) []string {
	words := w.plain(rules, nil)
	for _, field := range setFields(rules) {
		within, ok := parts[field.Name()]
		inner, isRules := rules.Get(field).Interface().(protoreflect.Message)
		if !ok || !isRules || within.field == nil {
			continue
		}
		nested := &validate.FieldRules{}
		proto.Merge(nested, inner.Interface())
		for _, one := range w.rules(within.field, nested) {
			words = append(words, within.name+": "+one)
		}
	}
	return words
}

// plain describes rules one by one. enum is the enum of the values, nil if they are not of an enum.
func (w ruleWords) plain(rules protoreflect.Message, enum protoreflect.EnumDescriptor) []string {
	unit := unitOf(rules.Descriptor().Name())
	words := outsideWords(rules)
	apart := len(words) > 0
	for _, field := range lowerFirst(setFields(rules)) {
		value := rules.Get(field)
		switch name := field.Name(); {
		case field.IsExtension():
			words = append(words, predefinedWords(field, value)...)
		case apart && isBound(name):
			// The other bound has described both.
		case field.IsList():
			words = appendText(words, wordsOf(name, listText(field, value.List(), enum), unit))
		case field.Kind() == protoreflect.BoolKind && name != "const":
			if value.Bool() {
				words = appendText(words, formatWords(name))
			}
		default:
			words = appendText(words, wordsOf(name, ruleValue(field, value, enum), unit))
		}
	}
	return words
}

// lowerFirst orders the rules so that the lower bound of a range comes before the upper bound, as in a sentence.
func lowerFirst(fields []protoreflect.FieldDescriptor) []protoreflect.FieldDescriptor {
	rank := func(field protoreflect.FieldDescriptor) int {
		if field.Name() == "gt" || field.Name() == "gte" {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(fields, func(a, b protoreflect.FieldDescriptor) int { return rank(a) - rank(b) })
	return fields
}

func appendText(words []string, text string) []string {
	if text == "" {
		return words
	}
	return append(words, text)
}

// unitOf returns the unit in which the lengths of a kind of value are counted.
func unitOf(rules protoreflect.Name) string {
	switch rules {
	case "StringRules":
		return "character"
	case "RepeatedRules", "MapRules":
		return "entry"
	default:
		return "byte"
	}
}

// predefinedWords describes a rule that a schema adds to the standard ones.
func predefinedWords(field protoreflect.FieldDescriptor, value protoreflect.Value) []string {
	if rules, err := protovalidate.ResolvePredefinedRules(field); err == nil {
		for _, one := range rules.GetCel() {
			if one.GetMessage() != "" {
				return []string{one.GetMessage()}
			}
		}
	}
	if field.IsList() {
		return []string{string(field.Name()) + ": " + valueLiteral(field, value)}
	}
	return []string{string(field.Name()) + ": " + literal(field, value)}
}

func listText(field protoreflect.FieldDescriptor, list protoreflect.List, enum protoreflect.EnumDescriptor) string {
	const shown = 20
	var texts []string
	for i := range min(list.Len(), shown) {
		texts = append(texts, ruleValue(field, list.Get(i), enum))
	}
	if more := list.Len() - shown; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

// ruleValue returns the value of a rule as in JSON.
func ruleValue(field protoreflect.FieldDescriptor, value protoreflect.Value, enum protoreflect.EnumDescriptor) string {
	switch {
	case enum != nil:
		if known := enum.Values().ByNumber(protoreflect.EnumNumber(value.Int())); known != nil {
			return string(known.Name())
		}
	case field.Message() != nil:
		if text, err := protojson.Marshal(value.Message().Interface()); err == nil {
			return strings.Trim(string(text), `"`)
		}
	}
	return literal(field, value)
}
