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
	// MaxPattern limits the number of steps in the program of a regular expression. A program of n steps may take n for each character.
	MaxPattern = 1000
	// compilePrice is the price per byte of compiling a pattern that is not constant.
	compilePrice = 100
)

// Pattern compiles a regular expression whose program has at most limit steps, and returns the number of steps. A counted repetition
// such as x{100} has a hundred steps, and repetitions can be nested. So the size is computed before memory is allocated.
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

// steps returns the size of the program for a regular expression, or a number above limit. The parser limits the depth.
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

// match is a call of `matches`. It reports another function name, because the interpreter would replace a call with that name.
type match struct {
	call
	// compiled is the pattern if it is constant, and size the size of its program.
	compiled *regexp.Regexp
	size     int
}

// Function returns the name of the call.
func (m *match) Function() string { return "@matches" }

// OverloadID returns none.
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

// MatchPrice returns the price of matching a text of a number of bytes with a pattern of size steps.
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

// PatternSize returns the size of the program for a regular expression, at most limit. It is 0 if text is no regular expression.
func PatternSize(text string, limit int) int {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0
	}
	return min(steps(tree, limit), limit)
}
