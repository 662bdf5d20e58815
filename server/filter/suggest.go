package filter

import (
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter"
)

// suggestions finds the names that were probably meant by the unknown names in an expression.
type suggestions struct {
	env *environment
	// operands has the places whose field a selection names, by the id of the selection.
	operands map[int64]place
}

// place describes the value of a part of an expression, as far as its fields are known.
type place struct {
	event   bool
	message protoreflect.MessageDescriptor
	// many is a list or a map of such messages.
	many bool
}

func newSuggestions(env *environment, text string) *suggestions {
	s := &suggestions{env: env, operands: map[int64]place{}}
	if tree, issues := env.Parse(text); issues.Err() == nil {
		s.walk(tree.NativeRep().Expr(), nil)
	}
	return s
}

// walk records the operands of all selections below an expression and returns the place of the expression. vars are the
// variables of the surrounding comprehensions.
func (s *suggestions) walk(e ast.Expr, vars map[string]place) place {
	switch e.Kind() {
	case ast.IdentKind:
		if held, ok := vars[e.AsIdent()]; ok {
			return held
		}
		return place{event: e.AsIdent() == eventVariable}
	case ast.SelectKind:
		operand := s.walk(e.AsSelect().Operand(), vars)
		s.operands[e.ID()] = operand
		return s.field(operand, e.AsSelect().FieldName())
	case ast.CallKind:
		return s.walkCall(e.AsCall(), vars)
	case ast.ComprehensionKind:
		s.walkComprehension(e.AsComprehension(), vars)
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			s.walk(element, vars)
		}
	}
	return place{}
}

func (s *suggestions) walkCall(call ast.CallExpr, vars map[string]place) place {
	if call.IsMemberFunction() {
		s.walk(call.Target(), vars)
	}
	var first place
	for i, argument := range call.Args() {
		if at := s.walk(argument, vars); i == 0 {
			first = at
		}
	}
	if call.FunctionName() == operators.Index && first.many {
		return place{message: first.message}
	}
	return place{}
}

func (s *suggestions) walkComprehension(c ast.ComprehensionExpr, vars map[string]place) {
	inner := map[string]place{}
	for name, held := range vars {
		inner[name] = held
	}
	element := place{}
	if over := s.walk(meter.RangeOf(c), vars); over.many {
		element.message = over.message
	}
	inner[c.IterVar()] = element
	if c.HasIterVar2() {
		inner[c.IterVar()], inner[c.IterVar2()] = place{}, element
	}
	for _, part := range []ast.Expr{c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()} {
		s.walk(part, inner)
	}
}

func (s *suggestions) field(of place, name string) place {
	if of.event && name == "data" {
		return place{message: s.env.typing.root}
	}
	if of.many {
		return place{}
	}
	fd := fieldOf(of.message, name)
	switch {
	case fd == nil:
		return place{}
	case fd.IsMap():
		return place{message: fd.MapValue().Message(), many: true}
	default:
		return place{message: fd.Message(), many: fd.IsList()}
	}
}

// unknownName returns the name that an error of CEL is about.
var unknownName = regexp.MustCompile(`^(undefined field|undeclared reference to) '([^']+)'`)

// suggest returns the name that was probably meant where CEL reported an error; empty if no name is similar.
func (s *suggestions) suggest(fault *cel.Error) string {
	found := unknownName.FindStringSubmatch(fault.Message)
	if found == nil {
		return ""
	}
	if found[1] == "undefined field" {
		return s.suggestField(s.operands[fault.ExprID], found[2])
	}
	return s.suggestReference(found[2])
}

func (s *suggestions) suggestField(of place, name string) string {
	root := s.env.typing.root
	switch {
	case of.event:
		if found := fieldOf(root, name); found != nil {
			return "data." + name
		}
		return gateway.Nearest(name, eventFieldNames)
	case of.message == nil || of.many:
		return ""
	}
	if near := gateway.Nearest(name, fieldNames(of.message)); near != "" {
		return near
	}
	// One level too high: the field is in one of the messages here.
	fields := of.message.Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Message() != nil && !fd.IsList() && !fd.IsMap() && fieldOf(fd.Message(), name) != nil {
			return string(fd.Name()) + "." + name
		}
	}
	return ""
}

func (s *suggestions) suggestReference(name string) string {
	if slices.Contains(eventFieldNames, name) {
		return "event." + name
	}
	if fieldOf(s.env.typing.root, name) != nil {
		return "event.data." + name
	}
	candidates := []string{eventVariable}
	for function := range s.env.Functions() {
		if !strings.ContainsAny(function, "_@.") {
			candidates = append(candidates, function)
		}
	}
	slices.Sort(candidates)
	return gateway.Nearest(name, candidates)
}

func fieldNames(message protoreflect.MessageDescriptor) []string {
	var names []string
	fields := message.Fields()
	for i := range fields.Len() {
		names = append(names, string(fields.Get(i).Name()))
	}
	for i := range fields.Len() {
		if name := fields.Get(i).JSONName(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
