package compat

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/schema/describe"
)

// reservedFields looks for numbers that are no longer reserved: a later field could use them by mistake.
func (c *comparison) reservedFields(from, to protoreflect.MessageDescriptor) {
	c.unreserved(to, RuleFieldRemoved, freed(describe.ReservedFields(from), describe.ReservedFields(to)), from.ReservedNames(), to.ReservedNames())
}

func (c *comparison) reservedValues(from, to protoreflect.EnumDescriptor) {
	c.unreserved(to, RuleEnumValueRemoved, freed(describe.ReservedValues(from), describe.ReservedValues(to)), from.ReservedNames(), to.ReservedNames())
}

func (c *comparison) unreserved(
	to protoreflect.Descriptor, rule IncompatibilityRule, numbers []describe.Span, was, is protoreflect.Names,
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

// freed returns the ranges of was that no range of is covers completely, after adjacent ranges of is were joined.
func freed(was, is []describe.Span) []describe.Span {
	slices.SortFunc(is, func(a, b describe.Span) int { return int(a.First - b.First) })
	var joined []describe.Span
	for _, one := range is {
		if last := len(joined) - 1; last >= 0 && one.First <= joined[last].Last+1 {
			joined[last].Last = max(joined[last].Last, one.Last)
			continue
		}
		joined = append(joined, one)
	}
	return slices.DeleteFunc(was, func(one describe.Span) bool {
		return slices.ContainsFunc(joined, func(j describe.Span) bool { return j.First <= one.First && one.Last <= j.Last })
	})
}
