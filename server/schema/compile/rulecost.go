package compile

import (
	"fmt"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	pvcel "buf.build/go/protovalidate/cel"
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types/ref"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Limits of a rule's expression, estimated from its text. The validator has no limits of its own. Without these, a rule of a
// few lines could keep the server busy for days or take all of its memory, when it is registered and again with every event.
const (
	maxRuleSteps = 2e6
	maxRuleSize  = 1e6
	// assumedSize is the assumed size of a value in a payload: entries of a collection, characters of a text.
	assumedSize = 16
)

// ruleCosts estimates the cost of expressions before they are compiled.
type ruleCosts struct{ env *cel.Env }

func newRuleCosts() (ruleCosts, error) {
	env, err := cel.NewEnv(cel.Lib(pvcel.NewLibrary()))
	return ruleCosts{env: env}, err
}

// message returns why the rules of a message are too costly, empty when they may be compiled.
func (r ruleCosts) message(message protoreflect.MessageDescriptor) string {
	if rules, err := protovalidate.ResolveMessageRules(message); err == nil {
		if fault := r.rules(rules.GetCelExpression(), rules.GetCel()); fault != "" {
			return fault
		}
	}
	for i := range message.Fields().Len() {
		if fault := r.field(RulesOf(message.Fields().Get(i))); fault != "" {
			return fault
		}
	}
	return ""
}

func (r ruleCosts) field(rules *validate.FieldRules) string {
	if rules == nil {
		return ""
	}
	if fault := r.rules(rules.GetCelExpression(), rules.GetCel()); fault != "" {
		return fault
	}
	for _, inner := range []*validate.FieldRules{
		rules.GetRepeated().GetItems(), rules.GetMap().GetKeys(), rules.GetMap().GetValues(),
	} {
		if fault := r.field(inner); fault != "" {
			return fault
		}
	}
	return ""
}

func (r ruleCosts) rules(expressions []string, rules []*validate.Rule) string {
	for _, one := range rules {
		expressions = append(expressions[:len(expressions):len(expressions)], one.GetExpression())
	}
	for _, one := range expressions {
		parsed, issues := r.env.Parse(one)
		if issues.Err() != nil {
			continue // compiling reports this fault
		}
		if cost := (estimate{}).of(parsed.NativeRep().Expr()); cost.steps > maxRuleSteps || cost.size > maxRuleSize {
			return fmt.Sprintf("the rule %.100q may take too long or too much memory: it repeats too much within itself", one)
		}
	}
	return ""
}

// cost is the estimated maximum cost of evaluating an expression: its steps, the size of the largest value on the way, and
// the size of the result. Sizes are in characters or entries and include nested values.
type cost struct{ steps, size, result float64 }

// with adds the cost of another expression. The result is as large as both results together.
func (c cost) with(other cost) cost {
	return cost{c.steps + other.steps, max(c.size, other.size, c.result+other.result), c.result + other.result}
}

// estimate holds the sizes of the variables that an expression binds.
type estimate map[string]float64

func (e estimate) of(expression ast.Expr) cost {
	total := cost{steps: 1, result: 1}
	switch expression.Kind() {
	case ast.LiteralKind:
		total.result = literalSize(expression.AsLiteral())
	case ast.IdentKind:
		if size, bound := e[expression.AsIdent()]; bound {
			total.result = size
		} else {
			total.result = assumedSize
		}
	case ast.SelectKind:
		total = total.with(e.of(expression.AsSelect().Operand()))
	case ast.CallKind:
		total = e.call(expression.AsCall())
	case ast.ListKind:
		for _, one := range expression.AsList().Elements() {
			total = total.with(e.of(one))
		}
	case ast.MapKind:
		for _, one := range expression.AsMap().Entries() {
			total = total.with(e.of(one.AsMapEntry().Key())).with(e.of(one.AsMapEntry().Value()))
		}
	case ast.StructKind:
		for _, one := range expression.AsStruct().Fields() {
			total = total.with(e.of(one.AsStructField().Value()))
		}
	case ast.ComprehensionKind:
		total = e.comprehension(expression.AsComprehension())
	}
	total.size = max(total.size, total.result)
	return total
}

func literalSize(value ref.Val) float64 {
	switch literal := value.Value().(type) {
	case string:
		return float64(1 + len(literal))
	case []byte:
		return float64(1 + len(literal))
	default:
		return 1
	}
}

// call adds up the costs of the arguments of a call. Only replace, format and join can return more than they are given.
func (e estimate) call(call ast.CallExpr) cost {
	total := cost{steps: 1}
	product := 1.0
	arguments := call.Args()
	if call.IsMemberFunction() {
		arguments = append([]ast.Expr{call.Target()}, arguments...)
	}
	for _, one := range arguments {
		argument := e.of(one)
		product *= max(argument.result, 1)
		total = total.with(argument)
	}
	switch call.FunctionName() {
	case "replace", "format", "join":
		total.result = product
	case "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_", "@in", "size":
		total.result = 1
	}
	return total
}

// comprehension multiplies the cost of a loop's body by the number of its iterations.
func (e estimate) comprehension(loop ast.ComprehensionExpr) cost {
	over := e.of(loop.IterRange())
	times := over.result
	if loop.IterRange().Kind() == ast.ListKind {
		times = float64(loop.IterRange().AsList().Size())
	}
	begin := e.of(loop.AccuInit())
	within := e.binding(loop.IterVar(), over.result).binding(loop.AccuVar(), 0)
	if loop.HasIterVar2() {
		within = within.binding(loop.IterVar2(), over.result)
	}
	step, condition := within.of(loop.LoopStep()), within.of(loop.LoopCondition())
	made := begin.result + times*step.result
	end := e.binding(loop.AccuVar(), made).of(loop.Result())
	return cost{
		steps:  1 + over.steps + begin.steps + times*(step.steps+condition.steps) + end.steps,
		size:   max(over.size, begin.size, step.size, condition.size, made, end.size),
		result: end.result,
	}
}

// binding returns a copy of the sizes with one more variable.
func (e estimate) binding(name string, size float64) estimate {
	bound := make(estimate, len(e)+1)
	for known, of := range e {
		bound[known] = of
	}
	bound[name] = size
	return bound
}
