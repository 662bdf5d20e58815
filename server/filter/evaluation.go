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

// evaluation is a program running on an event: the activation in which it finds the event and its meter.
type evaluation struct {
	subject *Subject
	meter   meter.Meter
	// giveBack ends the turn of an evaluation that costs much.
	giveBack func()
}

// meterVariable is how a running program finds its meter. It cannot be written in an expression.
const meterVariable = "@meter"

var evaluations = sync.Pool{New: func() any { return &evaluation{} }}

// beginEvaluation makes an evaluation; end must be called when it is over.
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

// Parent is that there are no other variables.
func (e *evaluation) Parent() cel.Activation { return nil }

// meterOf finds the meter of the evaluation that a frame belongs to.
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

// eval runs what p was compiled to. No expression may take the server down with it: cel.Program turns panics into errors
// while it evaluates, and what panics around that is turned into one here.
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

// internalError begins the errors that cel.Program makes of panics, and ours.
const internalError = "internal error: "

// fault says in our words why an evaluation failed.
func (e *evaluation) fault(p *program, err error) error {
	if over := e.meter.Exceeded(); over != nil {
		return fmt.Errorf(errFilter+"the expression %w", over)
	}
	if strings.HasPrefix(err.Error(), internalError) {
		p.panicked(err)
	}
	return errors.New(errFilter + err.Error())
}
