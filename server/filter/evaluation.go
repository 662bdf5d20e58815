package filter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/postrider-dev/postrider/server/meter"
)

// evaluation is a program running on an event: the activation with the event and its meter.
type evaluation struct {
	subject *Subject
	meter   meter.Meter
	// giveBack ends the turn of a costly evaluation.
	giveBack func()
}

// meterVariable is the variable in which a running program finds its meter. Expressions cannot contain its name.
const meterVariable = "@meter"

var evaluations = sync.Pool{New: func() any { return &evaluation{} }}

// beginEvaluation returns an evaluation. Call end when it is over.
func beginEvaluation(s *Subject, p *program) *evaluation {
	e := evaluations.Get().(*evaluation)
	e.subject = s
	e.meter.Reset(len(s.event.Data), p.open)
	e.meter.Costly = func() { e.giveBack, _ = p.turns.take(context.Background(), s.event.Tenant) }
	return e
}

func (e *evaluation) end() {
	if e.giveBack != nil {
		e.giveBack()
	}
	e.subject.spent.Add(e.meter.Used())
	e.subject, e.giveBack = nil, nil
	evaluations.Put(e)
}

// ResolveName returns the variables of an expression.
func (e *evaluation) ResolveName(name string) (any, bool) {
	switch name {
	case eventVariable:
		return e.subject, true
	case meterVariable:
		return e, true
	}
	return nil, false
}

// Parent returns nil: there are no other variables.
func (e *evaluation) Parent() cel.Activation { return nil }

// meterOf returns the meter of the evaluation of a frame.
func meterOf(frame *interpreter.ExecutionFrame) *meter.Meter {
	if e, ok := frame.Activation.(*evaluation); ok {
		return &e.meter
	}
	found, _ := frame.ResolveName(meterVariable)
	if e, ok := found.(*evaluation); ok {
		return &e.meter
	}
	return nil
}

// eval runs the program. No expression may crash the server: cel.Program converts panics during an evaluation into errors,
// and eval converts those outside of it.
func (e *evaluation) eval(p *program, compiled cel.Program) (value ref.Val, details *cel.EvalDetails, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			value, details, err = nil, nil, e.fault(p, fmt.Errorf(internalError+"%v", fault))
		}
	}()
	e.meter.Pass(p.weight)
	if value, details, err = compiled.Eval(e); err != nil {
		return nil, details, e.fault(p, err)
	}
	return value, details, nil
}

// internalError is the prefix of the errors that cel.Program and eval make from panics.
const internalError = "internal error: "

// fault returns the error of a failed evaluation with our wording.
func (e *evaluation) fault(p *program, err error) error {
	if over := e.meter.Exceeded(); over != nil {
		return fmt.Errorf(errFilter+"the expression %w", over)
	}
	if strings.HasPrefix(err.Error(), internalError) {
		p.panicked(err)
	}
	return errors.New(errFilter + err.Error())
}
