package meter

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/interpreter"
)

// Rates configure the metering of an environment.
type Rates struct {
	// Find returns the Meter of an evaluation.
	Find Find
	// EveryCall means that every call is charged, however small. Set it if the weight of the whole expression is not charged before
	// its evaluation.
	EveryCall bool
	// MaxPattern limits the size of constant regular expressions.
	MaxPattern int
}

// Meter returns a copy of an environment in which every evaluation is metered.
func (r Rates) Meter(env *cel.Env) (*cel.Env, error) {
	metered, err := env.Extend(loops()...)
	if err != nil {
		return nil, fmt.Errorf("meter expressions: %w", err)
	}
	bound, err := bindings(metered)
	if err != nil {
		return nil, err
	}
	return metered.Extend(cel.Lib(library{rates: r, bound: bound}))
}

// bindings returns the implementations of an environment's functions, by the names of the functions and of their overloads.
func bindings(env *cel.Env) (map[string]*functions.Overload, error) {
	bound := map[string]*functions.Overload{}
	for name, function := range env.Functions() {
		all, err := function.Bindings()
		if err != nil {
			return nil, fmt.Errorf("meter %s: %w", name, err)
		}
		for _, one := range all {
			bound[one.Operator] = one
		}
	}
	return bound, nil
}

// library adds the meter to the programs of an environment, and of environments that extend it.
type library struct {
	rates Rates
	bound map[string]*functions.Overload
}

// CompileOptions returns none.
func (l library) CompileOptions() []cel.EnvOption { return nil }

// ProgramOptions returns the option that charges calls.
func (l library) ProgramOptions() []cel.ProgramOption {
	return []cel.ProgramOption{cel.CustomDecoratorV2(l.decorate)}
}

func (l library) decorate(part interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	made, ok := part.(interpreter.InterpretableCall)
	if !ok || len(made.Args()) == 0 || len(made.Args()) > len(arguments{}) {
		return part, nil
	}
	name := made.Function()
	if name == rangeFunction {
		if loop, ok := newLoopRange(made, l.rates.Find); ok {
			return loop, nil
		}
	}
	if free[name] && (!l.rates.EveryCall || !payable[name]) {
		return part, nil
	}
	return l.meter(made)
}

// payable has the free functions that can be wrapped by call.
var payable = map[string]bool{
	operators.LogicalNot: true, operators.Negate: true, operators.Subtract: true, operators.Multiply: true,
	operators.Divide: true, operators.Modulo: true, "getField": true, "isNan": true, "isInf": true,
}

func (l library) meter(made interpreter.InterpretableCall) (interpreter.InterpretableV2, error) {
	c := call{
		InterpretableCall: made, find: l.rates.Find, always: l.rates.EveryCall, arguments: made.Args(),
		price: prices[made.Function()],
	}
	if c.overload = l.bound[made.OverloadID()]; c.overload == nil {
		c.overload = l.bound[made.Function()]
	}
	if made.Function() == overloads.Matches {
		return newMatch(c, l.rates.MaxPattern)
	}
	switch {
	case zonedParts[made.Function()] && len(c.arguments) == 2:
		c.always, c.price = true, zoned
	case c.price == nil:
		c.price = looked
	}
	c.make = c.making()
	return &c, nil
}
