package filter

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/postrider-dev/postrider/server/meter"
	"github.com/postrider-dev/postrider/server/schema"
)

// Verdict is the result of an expression for an event.
type Verdict struct {
	Matched bool
	// Err is the error of the evaluation. The event is not selected then.
	Err error
	// Exceeded means that the evaluation exceeded the budget for one event.
	Exceeded bool
	// Costly means that the evaluation used more than Quick allows.
	Costly bool
}

// Expression is the expression of one or more filters. It is safe for concurrent use. A nil Expression selects everything.
type Expression struct {
	compiler *Compiler
	text     string

	// programs has the programs compiled so far. The map is replaced, never changed.
	programs atomic.Pointer[map[versionKey]*program]
	adding   sync.Mutex
}

// String returns the text.
func (x *Expression) String() string {
	if x == nil {
		return ""
	}
	return x.text
}

// Quick is Match for callers that must not wait. It returns false if the evaluation costs too much. Then call Match on
// another goroutine.
func (x *Expression) Quick(s *Subject) (verdict Verdict, ok bool) {
	if x == nil {
		return Verdict{Matched: true}, true
	}
	p := x.program(s)
	if known, ok := s.known(p); ok {
		return known, true
	}
	if verdict = p.run(s, meter.Quick); verdict.Exceeded {
		return Verdict{}, false
	}
	s.keep(p, verdict)
	return verdict, true
}

// Match reports whether the event is selected. It may wait for its turn.
func (x *Expression) Match(s *Subject) Verdict {
	if x == nil {
		return Verdict{Matched: true}
	}
	return s.verdict(x.program(s))
}

// program returns the program for an event's schema version.
func (x *Expression) program(s *Subject) *program {
	key, version, newest := x.compiler.versionOf(s.event)
	if known := x.programs.Load(); known != nil {
		if p := (*known)[key]; p != nil {
			return p
		}
	}
	return x.add(key, version, newest)
}

// add adds a program, which is compiled on its first run. Only one program per version is kept: the one for the current
// newest version.
func (x *Expression) add(key versionKey, version, newest *schema.Type) *program {
	x.adding.Lock()
	defer x.adding.Unlock()
	next := map[versionKey]*program{}
	if known := x.programs.Load(); known != nil {
		if p := (*known)[key]; p != nil {
			return p
		}
		maps.Copy(next, *known)
	}
	maps.DeleteFunc(next, func(other versionKey, _ *program) bool { return other.version == key.version })
	p := &program{text: x.text, panicked: x.compiler.panicked(x.text), turns: x.compiler.turns, environment: func() (*environment, error) {
		if key.version != 0 && version == nil {
			return nil, fmt.Errorf("schema version %d is not loaded", key.version)
		}
		return x.compiler.environment(key, version, newest)
	}}
	next[key] = p
	x.programs.Store(&next)
	return p
}

// program is an expression compiled for one schema version.
type program struct {
	text        string
	environment func() (*environment, error)
	// panicked means that the expression made CEL panic.
	panicked func(fault error)
	turns    *turns

	compile sync.Once
	tree    *cel.Ast
	ready   cel.Program
	// weight is the minimum price of an evaluation; open is environment.open.
	weight meter.Weight
	open   bool
	// fault is the reason why it does not compile.
	fault error

	detail   sync.Once
	detailed cel.Program
}

// errFilter is the prefix of the reasons why an evaluation failed.
const errFilter = "filter error: "

func (p *program) prepare() {
	p.compile.Do(func() {
		defer func() {
			if fault := recover(); fault != nil {
				p.fault = fmt.Errorf(errFilter+internalError+"%v", fault)
				p.panicked(p.fault)
			}
		}()
		env, err := p.environment()
		if err != nil {
			p.fault = fmt.Errorf(errFilter+"%w", err)
			return
		}
		tree, problems := env.compile(p.text)
		if len(problems) > 0 {
			p.fault = errors.New(errFilter + "does not compile for " + env.subject + ": " + problems[0].String())
			return
		}
		p.tree, p.weight, p.open = tree, meter.WeightOf(tree.NativeRep().Expr()), env.open
		if p.ready, err = env.program(tree, false); err != nil {
			p.fault = fmt.Errorf(errFilter+"%w", err)
		}
	})
}

// run evaluates the expression on an event.
func (p *program) run(s *Subject, limit uint64) Verdict {
	p.prepare()
	if p.fault != nil {
		return Verdict{Err: p.fault}
	}
	e := beginEvaluation(s, p)
	defer e.end()
	e.meter.Within(limit)
	value, _, err := e.eval(p, p.ready)
	costly := e.meter.Used() > meter.Quick
	if err != nil {
		return Verdict{Err: err, Exceeded: e.meter.Exceeded() != nil, Costly: costly}
	}
	matched, ok := value.(types.Bool)
	if !ok {
		return Verdict{Err: fmt.Errorf(errFilter+"the result is %s, not true or false", article(value.Type().TypeName()))}
	}
	return Verdict{Matched: bool(matched), Costly: costly}
}
