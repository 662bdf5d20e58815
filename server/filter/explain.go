package filter

import (
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"

	"github.com/postrider-dev/postrider/server/meter"
)

// maxShown limits a value or a part of an expression in a reason, in bytes.
const maxShown = 120

// Explain reports whether the event is selected. If not, it returns the reason: the part of the expression that is false,
// with its values, or the error. It is slow and meant for people; use Match otherwise.
func (x *Expression) Explain(s *Subject) (matched bool, reason string) {
	if x == nil {
		return true, ""
	}
	p := x.program(s)
	verdict := s.verdict(p)
	if verdict.Matched {
		return true, ""
	}
	if p.fault != nil {
		return false, p.fault.Error()
	}
	p.detail.Do(func() { p.detailed = p.withDetails() })
	if p.detailed == nil {
		return false, reasonOf(verdict)
	}
	run := beginEvaluation(s, p)
	defer run.end()
	_, details, err := run.eval(p, p.detailed)
	if details == nil || details.State() == nil {
		return false, reasonOf(verdict)
	}
	e := explanation{info: p.tree.NativeRep().SourceInfo(), state: details.State()}
	if err != nil {
		return false, e.failure(p.tree.NativeRep().Expr(), err.Error())
	}
	return false, e.not(p.tree.NativeRep().Expr())
}

func (p *program) withDetails() cel.Program {
	env, err := p.environment()
	if err != nil {
		return nil
	}
	detailed, err := env.program(p.tree, true)
	if err != nil {
		return nil
	}
	return detailed
}

func reasonOf(v Verdict) string {
	if v.Err != nil {
		return v.Err.Error()
	}
	return "the expression is false"
}

// explanation walks an expression with the values of its parts.
type explanation struct {
	info  *ast.SourceInfo
	state interpreter.EvalState
}

// value returns the value of a part; nil if it was not evaluated.
func (e explanation) value(of ast.Expr) ref.Val {
	value, _ := e.state.Value(of.ID())
	return value
}

// not describes why a part is not true: the first operand of && that is false, every operand of ||, or the part itself.
func (e explanation) not(part ast.Expr) string {
	if part.Kind() == ast.CallKind {
		call := part.AsCall()
		switch call.FunctionName() {
		case operators.LogicalAnd:
			for _, operand := range call.Args() {
				if e.value(operand) == types.False {
					return e.not(operand)
				}
			}
		case operators.LogicalOr:
			reasons := make([]string, len(call.Args()))
			for i, operand := range call.Args() {
				reasons[i] = e.not(operand)
			}
			return strings.Join(reasons, "; ")
		}
	}
	return e.text(part) + " is false" + e.saw(part)
}

// failure describes the part of an expression that failed first.
func (e explanation) failure(part ast.Expr, reason string) string {
	if part.Kind() == ast.CallKind {
		call := part.AsCall()
		if name := call.FunctionName(); name == operators.LogicalAnd || name == operators.LogicalOr {
			for _, operand := range call.Args() {
				if types.IsError(e.value(operand)) {
					return e.failure(operand, reason)
				}
			}
		}
	}
	return reason + " in " + e.text(part)
}

// saw lists the values in a part, except literals.
func (e explanation) saw(part ast.Expr) string {
	var seen []string
	for _, operand := range operandsOf(part) {
		value := e.value(operand)
		if value == nil || operand.Kind() == ast.LiteralKind || operand.Kind() == ast.ListKind {
			continue
		}
		seen = append(seen, e.text(operand)+" is "+show(value))
	}
	if len(seen) == 0 {
		return ""
	}
	return ": " + strings.Join(seen, ", ")
}

func operandsOf(part ast.Expr) []ast.Expr {
	switch part.Kind() {
	case ast.CallKind:
		call := part.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.ComprehensionKind:
		return []ast.Expr{meter.RangeOf(part.AsComprehension())}
	default:
		return nil
	}
}

func (e explanation) text(part ast.Expr) string {
	text, err := parser.Unparse(part, e.info, parser.WrapOnColumn(10*maxShown))
	if err != nil {
		return "the expression"
	}
	return shorten(text)
}

// show formats a value as in an expression.
func show(value ref.Val) string {
	switch v := value.(type) {
	case types.String:
		return shorten(strconv.Quote(string(v)))
	case types.Timestamp:
		return v.UTC().Format("2006-01-02T15:04:05.999999999Z")
	case types.Duration:
		return v.Duration.String()
	case types.Null:
		return "null"
	case *object:
		return article(v.name())
	case traits.Lister:
		return "a list of " + count(v)
	case traits.Mapper:
		return "a map of " + count(v)
	case *types.Err:
		return "an error (" + shorten(v.String()) + ")"
	}
	if text, ok := value.ConvertToType(types.StringType).(types.String); ok {
		return shorten(string(text))
	}
	return article(value.Type().TypeName())
}

func count(of traits.Sizer) string {
	if size, ok := of.Size().(types.Int); ok {
		return strconv.Itoa(int(size))
	}
	return "some"
}

func shorten(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + "…"
}
