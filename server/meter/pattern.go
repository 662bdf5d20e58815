package meter

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

const (
	// MaxPattern bounds a regular expression, in the steps of its program. One of n steps may take n for each character.
	MaxPattern = 1000
	// compilePrice is what a byte of a pattern costs to compile, where it is not known before the evaluation.
	compilePrice = 100
)

// Pattern compiles a regular expression whose program has at most limit steps. A repetition that is counted, x{100}, is a
// hundred steps, and may stand in another: the size is known before memory is taken for it.
func Pattern(text string, limit int) (*regexp.Regexp, int, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, 0, err
	}
	size := steps(tree, limit)
	if size > limit {
		return nil, 0, fmt.Errorf("the regular expression is too large: more than %d steps", limit)
	}
	compiled, err := regexp.Compile(text)
	return compiled, size, err
}

// steps is the size of the program for a regular expression, or more than limit. Parsing bounds the depth.
func steps(tree *syntax.Regexp, limit int) int {
	total := 1
	switch tree.Op {
	case syntax.OpLiteral:
		total = len(tree.Rune)
	case syntax.OpCapture:
		total = 2
	}
	for _, part := range tree.Sub {
		if total += steps(part, limit); total > limit {
			return limit + 1
		}
	}
	if tree.Op == syntax.OpRepeat {
		times := max(tree.Min+1, tree.Max)
		if total > limit/times {
			return limit + 1
		}
		total *= times
	}
	return total
}

// match is a call of `matches`. Its name is not that of the function, or the interpreter would put its own in its place.
type match struct {
	call
	// compiled is the pattern, when it is a constant, and size that of its program.
	compiled *regexp.Regexp
	size     int
}

// Function is the name of the call.
func (m *match) Function() string { return "@matches" }

// OverloadID is none.
func (m *match) OverloadID() string { return "" }

func newMatch(made call, limit int) (*match, error) {
	m := &match{call: made}
	m.always, m.price, m.make = true, m.worth, m.matches
	if constant, ok := made.arguments[1].(interpreter.InterpretableConst); ok {
		if text, ok := constant.Value().(types.String); ok {
			var err error
			if m.compiled, m.size, err = Pattern(string(text), limit); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func (m *match) worth(a arguments, limit uint64) uint64 {
	if m.compiled != nil {
		return MatchPrice(text(a[0]), m.size)
	}
	pattern, _ := a[1].(types.String)
	compiling := uint64(len(pattern)) * compilePrice
	if compiling > limit {
		return compiling
	}
	tree, err := syntax.Parse(string(pattern), syntax.Perl)
	if err != nil {
		return compiling
	}
	return compiling + MatchPrice(text(a[0]), steps(tree, MaxPattern))
}

// MatchPrice is what it costs to hold a text of some bytes against a pattern of some steps.
func MatchPrice(bytes uint64, size int) uint64 { return (bytes + 1) * uint64(size) / 16 }

func (m *match) matches(a arguments) ref.Val {
	text, ok := a[0].(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(a[0])
	}
	compiled := m.compiled
	if compiled == nil {
		pattern, ok := a[1].(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(a[1])
		}
		var err error
		if compiled, _, err = Pattern(string(pattern), MaxPattern); err != nil {
			return types.WrapErr(err)
		}
	}
	return types.Bool(compiled.MatchString(string(text)))
}

// PatternSize is the size of the program for a regular expression, at most limit; 0 for what is none.
func PatternSize(text string, limit int) int {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0
	}
	return min(steps(tree, limit), limit)
}
