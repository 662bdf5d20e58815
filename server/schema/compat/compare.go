package compat

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/schema/describe"
)

// Difference holds what changes from one version of a type to the next.
type Difference struct {
	// Incompatibilities are changes that break readers or producers of the earlier version.
	Incompatibilities []Incompatibility
	// Changes are all differences of the declarations, without comments, for people. If there are none, both versions mean
	// the same for this type, even if something else in their files differs.
	Changes []Change
}

// Incompatibility is a change that breaks the wire or the JSON form.
type Incompatibility struct {
	// File, Line and Column are a place in the new sources. Line and column count from 1; they are 0 when unknown.
	File         string
	Line, Column int
	// Element is the full name of what changed.
	Element string
	Rule    IncompatibilityRule
	// Message is text for people.
	Message string
}

// IncompatibilityRule is the kind of an incompatibility. The values are those of postrider.v1.IncompatibilityRule.
type IncompatibilityRule int32

// The rules. Compare checks those up to RuleTypeRemoved. The others need stored events (stricter.go) and subscriptions (package register,
// comparison.go).
const (
	RuleFieldRemoved IncompatibilityRule = iota + 1
	RuleFieldRenumbered
	RuleFieldRetyped
	RuleFieldJSONName
	RuleFieldCardinality
	RuleFieldOneof
	RuleEnumValueRemoved
	RuleEnumValueChanged
	RuleTypeRemoved
	RuleStricterRule
	RuleFilter
)

// Compare returns what changes for a type from one version to the next, in everything that its payloads can hold. The
// incompatibilities are those of buf's WIRE_JSON.
func Compare(before, after *schema.Type) (difference Difference, err error) {
	defer compile.Recover(&err, "compare versions of "+after.Name())
	earlier, err := before.Compiled()
	if err != nil {
		return Difference{}, err
	}
	later, err := after.Compiled()
	if err != nil {
		return Difference{}, err
	}
	c := &comparison{before: earlier.Files(), after: later.Files(), seen: make(map[[2]protoreflect.FullName]bool)}
	from, to := earlier.Descriptor(), later.Descriptor()
	if from.FullName() != to.FullName() {
		c.add(to, string(to.FullName()), RuleTypeRemoved, "the event type's message was %s and is %s now", from.FullName(), to.FullName())
	}
	c.message(from, to)
	c.inAny(from, to)
	changes, err := changes(before, after)
	return Difference{Incompatibilities: c.found, Changes: changes}, err
}

// comparison walks through two versions in parallel.
type comparison struct {
	before, after *compile.Files
	// seen holds the pairs that have been compared, because messages may contain themselves.
	seen  map[[2]protoreflect.FullName]bool
	found []Incompatibility
}

// add adds an incompatibility. at is its place in the new version.
func (c *comparison) add(at protoreflect.Descriptor, element string, rule IncompatibilityRule, format string, args ...any) {
	place := compile.PositionOf(at)
	c.found = append(c.found, Incompatibility{
		File: place.File, Line: place.Line, Column: place.Column,
		Element: element, Rule: rule, Message: fmt.Sprintf(format, args...),
	})
}

func (c *comparison) first(from, to protoreflect.Descriptor) bool {
	pair := [2]protoreflect.FullName{from.FullName(), to.FullName()}
	if c.seen[pair] || compile.IsShared(to.ParentFile().Path()) {
		return false
	}
	c.seen[pair] = true
	return true
}

func (c *comparison) message(from, to protoreflect.MessageDescriptor) {
	if !c.first(from, to) {
		return
	}
	for i := range from.Fields().Len() {
		field := from.Fields().Get(i)
		if kept := to.Fields().ByNumber(field.Number()); kept != nil {
			c.field(field, kept)
		} else {
			c.removed(field, to)
		}
	}
	for i := range to.Fields().Len() {
		field := to.Fields().Get(i)
		if field.Cardinality() == protoreflect.Required && from.Fields().ByNumber(field.Number()) == nil {
			c.add(field, string(field.FullName()), RuleFieldCardinality, "the field is new and required: earlier events do not have it")
		}
	}
	c.extensions(from, to)
	c.reservedFields(from, to)
}

// extensions compares the fields that are declared outside of a message.
func (c *comparison) extensions(from, to protoreflect.MessageDescriptor) {
	later := make(map[protoreflect.FieldNumber]protoreflect.ExtensionDescriptor)
	for _, added := range c.after.ExtensionFields(to.FullName()) {
		later[added.Number()] = added
	}
	for _, added := range c.before.ExtensionFields(from.FullName()) {
		if kept := later[added.Number()]; kept != nil {
			c.field(added, kept)
		} else {
			c.add(to, string(added.FullName()), RuleFieldRemoved, "the extension is gone; keep it, or push its file together with this one")
		}
	}
}

// inAny compares what a google.protobuf.Any in a payload can hold: every message of the files.
func (c *comparison) inAny(from, to protoreflect.MessageDescriptor) {
	reached := &compile.Reachable{Within: c.before}
	if reached.Add(from); !reached.Any {
		return
	}
	for _, held := range c.before.OwnMessages() {
		found, _ := c.after.FindDescriptorByName(held.FullName())
		if kept, ok := found.(protoreflect.MessageDescriptor); ok {
			c.message(held, kept)
			continue
		}
		c.add(to, string(held.FullName()), RuleTypeRemoved,
			"the message is gone, which a google.protobuf.Any could hold; keep it, or push its file together with this one")
	}
}

// removed checks a field whose number the new version no longer has.
func (c *comparison) removed(field protoreflect.FieldDescriptor, to protoreflect.MessageDescriptor) {
	if moved := to.Fields().ByName(field.Name()); moved != nil {
		c.add(moved, string(moved.FullName()), RuleFieldRenumbered,
			"the field had the number %d and has %d now", field.Number(), moved.Number())
		return
	}
	var free []string
	if !to.ReservedRanges().Has(field.Number()) {
		free = append(free, fmt.Sprintf("the number %d", field.Number()))
	}
	if !to.ReservedNames().Has(field.Name()) {
		free = append(free, fmt.Sprintf("the name %q", field.Name()))
	}
	if len(free) > 0 {
		c.add(to, string(field.FullName()), RuleFieldRemoved,
			"the field is gone; reserve %s of it, or keep it and mark it as deprecated", strings.Join(free, " and "))
	}
}

// field compares two fields with the same number.
func (c *comparison) field(from, to protoreflect.FieldDescriptor) {
	c.names(from, to)
	if was, is := oneofOf(from), oneofOf(to); was != is {
		c.add(to, string(to.FullName()), RuleFieldOneof, "the field was %s and is %s now", was, is)
	}
	was, is := shapeOf(from), shapeOf(to)
	if was != is {
		c.add(to, string(to.FullName()), RuleFieldCardinality, "the field was %s and is %s now", was, is)
	}
	switch {
	case from.IsMap() != to.IsMap() || from.IsList() != to.IsList():
	case from.IsMap():
		c.fieldType(to, "the map's keys", from.MapKey(), to.MapKey())
		c.fieldType(to, "the map's values", from.MapValue(), to.MapValue())
	default:
		c.fieldType(to, "the field", from, to)
		c.defaultValue(from, to)
	}
}

// defaultValue compares the values that an absent field stands for. A list has no default, and reading it panics.
func (c *comparison) defaultValue(from, to protoreflect.FieldDescriptor) {
	if from.Kind() != to.Kind() || from.Message() != nil || from.IsList() {
		return
	}
	if enum := from.Enum(); enum != nil && (enum.Name() != to.Enum().Name() || from.Default().Enum() == to.Default().Enum()) {
		return
	}
	if was, is := describe.DefaultText(from), describe.DefaultText(to); was != is {
		c.add(to, string(to.FullName()), RuleFieldRetyped, "the field's default was %s and is %s now", was, is)
	}
}

func (c *comparison) names(from, to protoreflect.FieldDescriptor) {
	switch {
	case from.JSONName() != to.JSONName():
		c.add(to, string(to.FullName()), RuleFieldJSONName,
			"field %d was %q in JSON and is %q now", to.Number(), from.JSONName(), to.JSONName())
	case from.Name() != to.Name():
		c.add(to, string(to.FullName()), RuleFieldJSONName,
			"field %d was %q and is %q now; JSON may use either name of a field", to.Number(), from.Name(), to.Name())
	}
}

// oneofOf describes the oneof to which a field belongs.
func oneofOf(field protoreflect.FieldDescriptor) string {
	if one := field.ContainingOneof(); one != nil && !one.IsSynthetic() {
		return fmt.Sprintf("in the oneof %q", one.Name())
	}
	return "in no oneof"
}

// shapeOf describes how many values a field has.
func shapeOf(field protoreflect.FieldDescriptor) string {
	switch {
	case field.IsMap():
		return "a map"
	case field.IsList():
		return "repeated"
	case field.Cardinality() == protoreflect.Required:
		return "required"
	default:
		return "a single value"
	}
}

// fieldType compares the types of values. at is the field to report, and what names the part of the field.
func (c *comparison) fieldType(at protoreflect.FieldDescriptor, what string, from, to protoreflect.FieldDescriptor) {
	switch {
	case from.Kind() != to.Kind() && formOf(from.Kind()) != formOf(to.Kind()):
		c.retyped(at, what, from, to)
	case from.Message() != nil && from.Message().FullName() != to.Message().FullName():
		c.retyped(at, what, from, to)
	case from.Message() != nil:
		c.message(from.Message(), to.Message())
	case from.Enum() != nil && from.Enum().Name() != to.Enum().Name():
		c.retyped(at, what, from, to)
	case from.Enum() != nil:
		c.enum(from.Enum(), to.Enum())
	}
}

func (c *comparison) retyped(at protoreflect.FieldDescriptor, what string, from, to protoreflect.FieldDescriptor) {
	rule, gone := RuleFieldRetyped, ""
	if named := describe.NamedType(from); named != nil {
		if _, err := c.after.FindDescriptorByName(named.FullName()); err != nil {
			rule, gone = RuleTypeRemoved, ", which is gone,"
		}
	}
	c.add(at, string(at.FullName()), rule, "%s had the type %s%s and has %s now", what, describe.TypeName(from), gone, describe.TypeName(to))
}

// formOf returns one kind for all kinds with the same form on the wire and in JSON.
func formOf(kind protoreflect.Kind) protoreflect.Kind {
	switch kind {
	case protoreflect.Uint32Kind:
		return protoreflect.Int32Kind
	case protoreflect.Uint64Kind:
		return protoreflect.Int64Kind
	case protoreflect.Sfixed32Kind:
		return protoreflect.Fixed32Kind
	case protoreflect.Sfixed64Kind:
		return protoreflect.Fixed64Kind
	default:
		return kind
	}
}
