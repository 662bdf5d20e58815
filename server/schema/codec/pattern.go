package codec

import (
	"fmt"
	"math"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// patternSteps bounds the work of matching the texts of a payload with the patterns of its schema: 64 steps for every byte
// of the largest payload. The program of a pattern may have thousands of steps, and each may be executed for each byte.
const patternSteps = 64 * gateway.MaxDataBytes

// patterns holds the sizes of the patterns in the rules of a message, by field.
type patterns struct {
	sizes map[*field]patternSize
	// within holds the fields whose messages have patterns at any depth.
	within []*field
}

// patternSize is the program size of a field's pattern; for a map, those of the patterns of its values and keys.
type patternSize struct{ value, key int }

// patternsOf returns the patterns of a message and of all messages that it holds.
func patternsOf(m *Message) patterns {
	found := patterns{sizes: map[*field]patternSize{}}
	for _, f := range m.ordered {
		rules := compile.RulesOf(f.descriptor)
		size := patternSize{sizeOfPattern(rules), 0}
		switch {
		case f.value != nil:
			size = patternSize{sizeOfPattern(rules.GetMap().GetValues()), sizeOfPattern(rules.GetMap().GetKeys())}
		case f.isList:
			size.value = sizeOfPattern(rules.GetRepeated().GetItems())
		}
		if size != (patternSize{}) {
			found.sizes[f] = size
		}
		if within := f.within(); within != nil && holdsPattern(within, map[*Message]bool{}) {
			found.within = append(found.within, f)
		}
	}
	return found
}

// holdsPattern reports whether the rules of a message, or of one that it holds, have a pattern.
func holdsPattern(m *Message, seen map[*Message]bool) bool {
	if seen[m] {
		return false
	}
	seen[m] = true
	for _, f := range m.ordered {
		rules := compile.RulesOf(f.descriptor)
		for _, one := range []*validate.FieldRules{
			rules, rules.GetRepeated().GetItems(), rules.GetMap().GetKeys(), rules.GetMap().GetValues(),
		} {
			if sizeOfPattern(one) > 0 {
				return true
			}
		}
		if within := f.within(); within != nil && holdsPattern(within, seen) {
			return true
		}
	}
	return false
}

func sizeOfPattern(rules *validate.FieldRules) int {
	pattern := rules.GetString().GetPattern()
	if pattern == "" {
		pattern = rules.GetBytes().GetPattern()
	}
	if pattern == "" {
		return 0
	}
	return meter.PatternSize(pattern, math.MaxInt32)
}

// patternTooLong returns the violation of the first pattern that would take too long on its text; nil if there is none.
func (m *Message) patternTooLong(payload proto.Message) *gateway.Violation {
	budget := patternBudget{left: patternSteps}
	budget.message(m, payload.ProtoReflect())
	if budget.over == nil {
		return nil
	}
	return &gateway.Violation{
		Field: string(appendField([]byte(DataField), budget.over)), Rule: "pattern",
		Message: fmt.Sprintf("the text is too long for the pattern of %s, which may take %d steps for each byte", budget.over.name, budget.size),
	}
}

type patternBudget struct {
	left int
	over *field
	size int
}

func (b *patternBudget) charge(f *field, size int, value protoreflect.Value) {
	n := 1
	switch text := value.Interface().(type) {
	case string:
		n += len(text)
	case []byte:
		n += len(text)
	}
	if b.over == nil && (size > b.left || n > b.left/max(size, 1)) {
		b.over, b.size = f, size
		return
	}
	b.left -= n * size
}

func (b *patternBudget) message(m *Message, payload protoreflect.Message) {
	found := m.patterns()
	for f, size := range found.sizes {
		if !payload.Has(f.descriptor) {
			continue
		}
		each(f, payload.Get(f.descriptor), func(key protoreflect.MapKey, value protoreflect.Value) {
			if key.IsValid() {
				b.charge(f, size.key, key.Value())
			}
			b.charge(f, size.value, value)
		})
	}
	for _, f := range found.within {
		if !payload.Has(f.descriptor) || b.over != nil {
			continue
		}
		each(f, payload.Get(f.descriptor), func(_ protoreflect.MapKey, value protoreflect.Value) {
			b.message(f.within(), value.Message())
		})
	}
}

// each calls visit with every value of a field. For a map it also passes the key.
func each(f *field, value protoreflect.Value, visit func(protoreflect.MapKey, protoreflect.Value)) {
	switch {
	case f.value != nil:
		value.Map().Range(func(key protoreflect.MapKey, entry protoreflect.Value) bool {
			visit(key, entry)
			return true
		})
	case f.isList:
		for i := range value.List().Len() {
			visit(protoreflect.MapKey{}, value.List().Get(i))
		}
	default:
		visit(protoreflect.MapKey{}, value)
	}
}
