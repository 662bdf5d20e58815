package meter

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// rangeFunction wraps the range of a loop and has the weight of a step. Expressions cannot contain its name.
const rangeFunction = "@range"

// stepParts is the weight of the loop itself for a step.
const stepParts = 4

// loops redeclares the macros that loop, so that every step is charged.
func loops() []cel.EnvOption {
	var macros []cel.Macro
	for _, one := range cel.StandardMacros {
		if one.IsReceiverStyle() {
			macros = append(macros, cel.ReceiverMacro(one.Function(), one.ArgCount(), metered(one)))
		}
	}
	anything := cel.TypeParamType("T")
	return []cel.EnvOption{
		cel.Macros(macros...),
		cel.Function(rangeFunction, cel.Overload(rangeFunction, []*cel.Type{anything, cel.IntType, cel.IntType, cel.IntType}, anything,
			cel.FunctionBinding(func(a ...ref.Val) ref.Val { return a[0] }))),
	}
}

func metered(macro cel.Macro) cel.MacroFactory {
	return func(make cel.MacroExprFactory, over ast.Expr, arguments []ast.Expr) (ast.Expr, *common.Error) {
		step := Weight{Parts: stepParts}
		for _, one := range arguments {
			step.add(WeightOf(one))
		}
		literal := func(n uint64) ast.Expr { return make.NewLiteral(types.Int(n)) }
		over = make.NewCall(rangeFunction, over, literal(step.Parts), literal(step.Keys), literal(step.Fields))
		return macro.Expander()(make, over, arguments)
	}
}

// RangeOf returns the range of a loop as it is written.
func RangeOf(loop ast.ComprehensionExpr) ast.Expr {
	over := loop.IterRange()
	if over.Kind() == ast.CallKind && over.AsCall().FunctionName() == rangeFunction {
		return over.AsCall().Args()[0]
	}
	return over
}

// WeightOf returns the weight of one evaluation of an expression. Steps of loops in it are charged separately.
func WeightOf(expression ast.Expr) Weight {
	var w Weight
	ast.PostOrderVisit(expression, ast.NewExprVisitor(func(e ast.Expr) {
		w.Parts++
		switch e.Kind() {
		case ast.SelectKind:
			w.Fields++
		case ast.MapKind:
			w.Keys += uint64(len(e.AsMap().Entries()))
		case ast.CallKind:
			switch e.AsCall().FunctionName() {
			case operators.Index, operators.OptIndex, operators.OptSelect:
				w.Fields++
				if index := e.AsCall().Args()[1]; index.Kind() != ast.LiteralKind {
					w.Keys++
				}
			case operators.In:
				w.Keys++
			}
		}
	}))
	return w
}

func (w *Weight) add(other Weight) {
	w.Parts, w.Keys, w.Fields = w.Parts+other.Parts, w.Keys+other.Keys, w.Fields+other.Fields
}

// loopRange is the range of a loop in an evaluation.
type loopRange struct {
	interpreter.InterpretableCall
	find Find
	over interpreter.InterpretableV2
	step Weight
}

// newLoopRange returns false for a call that no macro made.
func newLoopRange(made interpreter.InterpretableCall, find Find) (*loopRange, bool) {
	arguments := made.Args()
	var n [3]uint64
	for i := range n {
		number, ok := arguments[i+1].(interpreter.InterpretableConst)
		if !ok {
			return nil, false
		}
		literal, ok := number.Value().(types.Int)
		if !ok {
			return nil, false
		}
		n[i] = uint64(literal)
	}
	return &loopRange{made, find, arguments[0], Weight{Parts: n[0], Keys: n[1], Fields: n[2]}}, true
}

// Eval evaluates the range of the loop.
func (r *loopRange) Eval(vars interpreter.Activation) ref.Val {
	return r.Exec(interpreter.AsFrame(vars))
}

// Exec evaluates the range of the loop.
func (r *loopRange) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	value := r.over.Exec(frame)
	switch v := value.(type) {
	case traits.Mapper:
		m := r.find.meter(frame)
		m.Charge(2 * count(v))
		return &paidMap{v, m, r.step}
	case traits.Lister:
		return &paidList{v, r.find.meter(frame), r.step}
	default:
		return value
	}
}

// paidList is a list that charges a step for each element that a loop reads.
type paidList struct {
	traits.Lister
	meter *Meter
	step  Weight
}

// Iterator iterates over the elements.
func (l *paidList) Iterator() traits.Iterator {
	return &paidIterator{l.Lister.Iterator(), l.meter, l.step}
}

// paidMap is a map that charges a step for each key that a loop reads.
type paidMap struct {
	traits.Mapper
	meter *Meter
	step  Weight
}

// Iterator iterates over the keys.
func (m *paidMap) Iterator() traits.Iterator {
	return &paidIterator{m.Mapper.Iterator(), m.meter, m.step}
}

type paidIterator struct {
	traits.Iterator
	meter *Meter
	step  Weight
}

// Next charges a step and returns the next element.
func (i *paidIterator) Next() ref.Val {
	i.meter.Pass(i.step)
	return i.Iterator.Next()
}
