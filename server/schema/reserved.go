package schema

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// span is a range of numbers, both ends included.
type span struct{ first, last int64 }

func (s span) String() string {
	if s.first == s.last {
		return fmt.Sprint(s.first)
	}
	return fmt.Sprintf("%d to %d", s.first, s.last)
}

// messageSpans are the numbers that a message reserves.
func messageSpans(message protoreflect.MessageDescriptor) []span {
	var spans []span
	for i := range message.ReservedRanges().Len() {
		r := message.ReservedRanges().Get(i)
		spans = append(spans, span{int64(r[0]), int64(r[1]) - 1})
	}
	return spans
}

// enumSpans are the numbers that an enum reserves.
func enumSpans(enum protoreflect.EnumDescriptor) []span {
	var spans []span
	for i := range enum.ReservedRanges().Len() {
		r := enum.ReservedRanges().Get(i)
		spans = append(spans, span{int64(r[0]), int64(r[1])})
	}
	return spans
}

// reservedFields looks for what is no longer reserved: the next who adds a field would take it for free.
func (c *comparison) reservedFields(from, to protoreflect.MessageDescriptor) {
	c.unreserved(to, RuleFieldRemoved, freed(messageSpans(from), messageSpans(to)), from.ReservedNames(), to.ReservedNames())
}

func (c *comparison) reservedValues(from, to protoreflect.EnumDescriptor) {
	c.unreserved(to, RuleEnumValueRemoved, freed(enumSpans(from), enumSpans(to)), from.ReservedNames(), to.ReservedNames())
}

func (c *comparison) unreserved(
	to protoreflect.Descriptor, rule IncompatibilityRule, numbers []span, was, is protoreflect.Names,
) {
	var free []string
	for _, one := range numbers {
		free = append(free, one.String())
	}
	for i := range was.Len() {
		if name := was.Get(i); !is.Has(name) {
			free = append(free, fmt.Sprintf("%q", name))
		}
	}
	if len(free) > 0 {
		c.add(to, string(to.FullName()), rule, "no longer reserved: %s", strings.Join(free, ", "))
	}
}

// freed returns the ranges that no other range covers as a whole, after those have been joined.
func freed(was, is []span) []span {
	slices.SortFunc(is, func(a, b span) int { return int(a.first - b.first) })
	var joined []span
	for _, one := range is {
		if last := len(joined) - 1; last >= 0 && one.first <= joined[last].last+1 {
			joined[last].last = max(joined[last].last, one.last)
			continue
		}
		joined = append(joined, one)
	}
	return slices.DeleteFunc(was, func(one span) bool {
		return slices.ContainsFunc(joined, func(j span) bool { return j.first <= one.first && one.last <= j.last })
	})
}
