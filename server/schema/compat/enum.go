package compat

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

func (c *comparison) enum(from, to protoreflect.EnumDescriptor) {
	if !c.first(from, to) {
		return
	}
	done := make(map[protoreflect.EnumNumber]bool)
	for i := range from.Values().Len() {
		value := from.Values().Get(i)
		if number := value.Number(); !done[number] {
			done[number] = true
			c.enumValue(from, to, value)
		}
	}
	c.reservedValues(from, to)
}

// enumValue checks a number of an enum against the new version. value is the first of its names.
func (c *comparison) enumValue(from, to protoreflect.EnumDescriptor, value protoreflect.EnumValueDescriptor) {
	element := string(from.FullName()) + "." + string(value.Name())
	was, is := valueNames(from, value.Number()), valueNames(to, value.Number())
	if len(is) == 0 {
		c.removedValue(to, element, value, was)
		return
	}
	for _, name := range was {
		if !slices.Contains(is, name) {
			c.add(to.Values().ByNumber(value.Number()), element, RuleEnumValueChanged,
				"the value %d was %s and is %s now", value.Number(), strings.Join(was, ", "), strings.Join(is, ", "))
			return
		}
	}
}

func (c *comparison) removedValue(
	to protoreflect.EnumDescriptor, element string, value protoreflect.EnumValueDescriptor, names []string,
) {
	if moved := to.Values().ByName(value.Name()); moved != nil {
		c.add(moved, element, RuleEnumValueChanged, "the value had the number %d and has %d now", value.Number(), moved.Number())
		return
	}
	var free []string
	if !to.ReservedRanges().Has(value.Number()) {
		free = append(free, fmt.Sprintf("the number %d", value.Number()))
	}
	for _, name := range names {
		if !to.ReservedNames().Has(protoreflect.Name(name)) {
			free = append(free, fmt.Sprintf("the name %q", name))
		}
	}
	if len(free) > 0 {
		c.add(to, element, RuleEnumValueRemoved,
			"the value is gone; reserve %s of it, or keep it and mark it as deprecated", strings.Join(free, " and "))
	}
}

// valueNames returns the names of a number, of which there are several if it has aliases.
func valueNames(enum protoreflect.EnumDescriptor, number protoreflect.EnumNumber) []string {
	var names []string
	for i := range enum.Values().Len() {
		if value := enum.Values().Get(i); value.Number() == number {
			names = append(names, string(value.Name()))
		}
	}
	return names
}
