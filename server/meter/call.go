package meter

import (
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// Find returns the Meter of the current evaluation; nil if it has none.
type Find func(frame *interpreter.ExecutionFrame) *Meter

// meter returns the Meter to charge. Without one it returns a small Meter for this call.
func (find Find) meter(frame *interpreter.ExecutionFrame) *Meter {
	if m := find(frame); m != nil {
		return m
	}
	return &Meter{limit: spareLimit, look: Quick}
}

// callPrice is the fixed price of a call that is charged.
const callPrice = 2

// call is a function call that is charged before it is made. Otherwise it does the same as the interpreter's calls. It cannot delegate
// to them, because they evaluate the arguments themselves, and the price depends on the arguments.
type call struct {
	interpreter.InterpretableCall
	find Find
	// always means that the call is charged for small arguments, too.
	always bool
	// price is nil for a function whose work does not depend on its arguments.
	price     price
	arguments []interpreter.InterpretableV2
	overload  *functions.Overload
	// make makes the call.
	make func(a arguments) ref.Val
}

// Eval evaluates the call outside of an evaluation. CEL does this for constants when it creates a program, and does not recover
// there.
func (c *call) Eval(vars interpreter.Activation) (value ref.Val) {
	defer func() {
		fault := recover()
		if over, ok := fault.(interpreter.EvalCancelledError); ok {
			value = types.WrapErr(over)
		} else if fault != nil {
			panic(fault)
		}
	}()
	return c.Exec(interpreter.AsFrame(vars))
}

// Exec evaluates the call.
func (c *call) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	a, early := c.evaluate(frame)
	if early != nil {
		return early
	}
	if c.always || !small(a[0]) || !small(a[1]) || !small(a[2]) || !small(a[3]) {
		c.pay(c.find.meter(frame), a)
	}
	return c.make(a)
}

// pay charges the call. A price is computed only up to the remaining budget. So it is computed again if the budget grows.
func (c *call) pay(m *Meter, a arguments) {
	if c.price == nil {
		m.Charge(callPrice)
		return
	}
	units := callPrice + c.price(a, m.left())
	if units > m.left() && m.perByte > 0 {
		m.grow()
		units = callPrice + c.price(a, m.left())
	}
	m.Charge(units)
}

// evaluate returns the arguments, or early, the result of a call that is not made: an error or an unknown value.
func (c *call) evaluate(frame *interpreter.ExecutionFrame) (a arguments, early ref.Val) {
	strict := c.overload == nil || !c.overload.NonStrict
	var unknown *types.Unknown
	for i, argument := range c.arguments {
		a[i] = argument.Exec(frame)
		if !strict {
			continue
		}
		if types.IsError(a[i]) {
			return a, a[i]
		}
		unknown, _ = types.MaybeMergeUnknowns(a[i], unknown)
	}
	if unknown != nil {
		return a, unknown
	}
	return a, nil
}

// invoke makes the call as the environment declares it.
func (c *call) invoke(a arguments) ref.Val {
	n, receiver := len(c.arguments), a[0].Type()
	if o := c.overload; o != nil && (o.OperandTrait == 0 || receiver.HasTrait(o.OperandTrait) || o.NonStrict && types.IsUnknownOrError(a[0])) {
		switch {
		case n == 1 && o.Unary != nil:
			return types.LabelErrNode(c.ID(), o.Unary(a[0]))
		case n == 2 && o.Binary != nil:
			return types.LabelErrNode(c.ID(), o.Binary(a[0], a[1]))
		case o.Function != nil:
			return types.LabelErrNode(c.ID(), o.Function(append([]ref.Val(nil), a[:n]...)...))
		}
	}
	if r, ok := a[0].(traits.Receiver); ok && receiver.HasTrait(traits.ReceiverType) {
		return types.LabelErrNode(c.ID(), r.Receive(c.Function(), c.OverloadID(), append([]ref.Val(nil), a[1:n]...)))
	}
	return types.NewErrWithNodeID(c.ID(), "no such overload: %s", c.Function())
}

// add is `+`. CEL adds two lists as a view, and a view of views takes longer and longer to read. Here the sum is a list.
func (c *call) add(a arguments) ref.Val {
	if _, grows := a[0].(traits.MutableLister); grows {
		return c.invoke(a)
	}
	first, ok := a[0].(traits.Lister)
	second, ok2 := a[1].(traits.Lister)
	if !ok || !ok2 {
		return c.invoke(a)
	}
	all := make([]ref.Val, 0, count(first)+count(second))
	for _, list := range []traits.Lister{first, second} {
		for i := list.Iterator(); i.HasNext() == types.True; {
			all = append(all, i.Next())
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, all)
}

func equal(a arguments) ref.Val { return types.Equal(a[0], a[1]) }

func unequal(a arguments) ref.Val { return types.Bool(types.Equal(a[0], a[1]) != types.True) }

// making returns the function that makes the call.
func (c *call) making() func(arguments) ref.Val {
	switch c.Function() {
	case operators.Equals:
		return equal
	case operators.NotEquals:
		return unequal
	case operators.Add:
		return c.add
	default:
		return c.invoke
	}
}
