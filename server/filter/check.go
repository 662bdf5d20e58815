package filter

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
)

// maxProblems limits the problems that are reported for one expression.
const maxProblems = 100

// Problem is a reason why an expression does not compile.
type Problem struct {
	// Line and Column count from 1; columns count characters.
	Line, Column int
	Message      string
	// Suggestion is the name that was probably meant; empty if no name is similar.
	Suggestion string
	// Type is the event type for which the expression does not compile; empty if it compiles for none.
	Type string
}

// String returns the problem in one line, without the type.
func (p Problem) String() string {
	text := fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message)
	if p.Suggestion != "" {
		text += "; did you mean " + p.Suggestion + "?"
	}
	return text
}

// Report is the result of a check.
type Report struct {
	Problems []Problem
	// Refused means that the expression compiles for no type that the patterns match. Otherwise the problems name the types
	// whose events it can never select.
	Refused bool
}

// Err returns the error for a refused expression, with field as its path in the request; nil for an accepted one.
func (r Report) Err(field string) error {
	if !r.Refused {
		return nil
	}
	fault := &gateway.Error{Code: gateway.CodeInvalid, Reason: gateway.ReasonInvalidFilter}
	for _, problem := range r.Problems {
		fault.Fields = append(fault.Fields, gateway.Violation{Field: field, Message: problem.String()})
	}
	fault.Message = gateway.Summary(fault.Fields)
	return fault
}

// Check compiles a filter's expression against the newest version of every registered type that its patterns match. It also
// compiles it for untyped events if a pattern names a type that is not registered, or if no registered type matches. The
// tenant waits for its turn before each type. If ctx ends first, the error is its cause.
func (c *Compiler) Check(ctx context.Context, tenant gateway.TenantID, f gateway.Filter) (Report, error) {
	if f.Expression == "" {
		return Report{}, nil
	}
	selected := selectedTypes(f, c.schemas.Snapshot())
	untyped := sync.OnceValue(func() []Problem { return c.check(f.Expression, nil) })
	var all []Problem
	failed := 0
	for i, one := range selected {
		hopeless := false
		problems, err := c.inTurn(ctx, tenant, func() []Problem {
			problems := c.problemsFor(f.Expression, one, untyped)
			hopeless = i == 0 && len(problems) > 0 && !c.parses(f.Expression)
			return problems
		})
		if err != nil {
			return Report{}, err
		}
		if hopeless {
			return Report{Problems: withoutTypes(problems), Refused: true}, nil // It is the same for all types.
		}
		if len(problems) > 0 {
			failed++
		}
		all = append(all, problems...)
	}
	if failed < len(selected) {
		return Report{Problems: all[:min(len(all), maxProblems)]}, nil
	}
	return Report{Problems: withoutTypes(all), Refused: true}, nil
}

// inTurn compiles when it is the tenant's turn, unless the caller has disconnected.
func (c *Compiler) inTurn(ctx context.Context, tenant gateway.TenantID, compile func() []Problem) ([]Problem, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	giveBack, err := c.checks.take(ctx, tenant)
	if err != nil {
		return nil, err
	}
	defer giveBack()
	return compile(), nil
}

// problemsFor returns the problems of an expression for a type. They are the same for all untyped types, and computed once.
func (c *Compiler) problemsFor(expression string, one selectedType, untyped func() []Problem) []Problem {
	if one.schema == nil {
		return named(one.name, slices.Clone(untyped()))
	}
	return named(one.name, c.check(expression, one.schema))
}

// parses reports whether a text is a syntactically valid expression.
func (c *Compiler) parses(expression string) bool {
	shared, err := c.language()
	if err != nil {
		return false
	}
	_, issues := shared.env.Parse(expression)
	return len(issues.Errors()) == 0
}

// CheckType compiles an expression against one schema, which need not be registered, and returns its problems. It waits for a
// turn of the tenant, which is 0 for the whole server. If ctx ends first, the error is its cause.
func (c *Compiler) CheckType(
	ctx context.Context, tenant gateway.TenantID, expression string, candidate *schema.Type,
) ([]Problem, error) {
	if expression == "" {
		return nil, nil
	}
	shared, err := c.language()
	if err != nil {
		return []Problem{{Line: 1, Column: 1, Message: err.Error(), Type: candidate.Name()}}, nil
	}
	return c.inTurn(ctx, tenant, func() []Problem {
		problems := checkIn(expression, func() (*environment, error) { return shared.environment(candidate, candidate) })
		return named(candidate.Name(), problems)
	})
}

func named(name string, problems []Problem) []Problem {
	for i := range problems {
		problems[i].Type = name
	}
	return problems
}

// selectedType is an event type to check against; it has no schema if it is untyped.
type selectedType struct {
	name   string
	schema *schema.Type
}

func selectedTypes(f gateway.Filter, registered *schema.Snapshot) []selectedType {
	var selected []selectedType
	for one := range registered.Types() {
		if f.Match(one.Name()) {
			selected = append(selected, selectedType{one.Name(), one})
		}
	}
	for _, pattern := range f.Types {
		if !strings.HasSuffix(pattern, "*") && registered.Type(pattern) == nil {
			selected = append(selected, selectedType{name: pattern})
		}
	}
	if len(selected) == 0 {
		return []selectedType{{}}
	}
	slices.SortFunc(selected, func(a, b selectedType) int { return cmp.Compare(a.name, b.name) })
	return selected
}

// withoutTypes returns the problems of an expression that compiles for no type: each once, with its first suggestion.
func withoutTypes(problems []Problem) []Problem {
	var distinct []Problem
	for _, one := range problems {
		one.Type = ""
		same := func(p Problem) bool { return p.Line == one.Line && p.Column == one.Column && p.Message == one.Message }
		if known := slices.IndexFunc(distinct, same); known < 0 {
			distinct = append(distinct, one)
		} else if distinct[known].Suggestion == "" {
			distinct[known].Suggestion = one.Suggestion
		}
	}
	return distinct[:min(len(distinct), maxProblems)]
}

// check compiles an expression for the newest version of a registered type, or for untyped events.
func (c *Compiler) check(expression string, newest *schema.Type) []Problem {
	return checkIn(expression, func() (*environment, error) {
		key := versionKey{}
		if newest != nil {
			key = versionKey{newest.ID(), newest.ID()}
		}
		return c.environment(key, newest, newest)
	})
}

func checkIn(expression string, environment func() (*environment, error)) (problems []Problem) {
	defer func() {
		if fault := recover(); fault != nil {
			problems = []Problem{{Line: 1, Column: 1, Message: fmt.Sprintf(internalError+"%v", fault)}}
		}
	}()
	env, err := environment()
	if err != nil {
		return []Problem{{Line: 1, Column: 1, Message: err.Error()}}
	}
	_, problems = env.compile(expression)
	return problems
}

// problems converts the issues of CEL.
func (e *environment) problems(text string, found []*cel.Error) []Problem {
	lines := strings.Split(text, "\n")
	words := newSuggestions(e, text)
	var problems []Problem
	for _, one := range found[:min(len(found), maxProblems)] {
		problem := Problem{Line: one.Location.Line(), Column: one.Location.Column() + 1, Message: wording(one.Message)}
		problem.Line, problem.Column = max(problem.Line, 1), max(problem.Column, 1)
		if problem.Line <= len(lines) && strings.HasPrefix(one.Message, "undefined field") {
			problem.Column += dotAt([]rune(lines[problem.Line-1]), problem.Column-1)
		}
		problem.Suggestion = words.suggest(one)
		problems = append(problems, problem)
	}
	return problems
}

// dotAt returns 1 if the position is that of the dot before a field.
func dotAt(line []rune, at int) int {
	if at < len(line) && line[at] == '.' {
		return 1
	}
	return 0
}

// wording removes the parts of CEL's messages that do not help the author of a filter.
func wording(message string) string {
	message, _, _ = strings.Cut(message, " (in container")
	message, _, _ = strings.Cut(message, " expecting {")
	if rest, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		message = "syntax error: " + rest
	}
	return message
}
