package schema

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/interpreter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter"
)

// maxRulePattern bounds a regular expression in a rule's expression. It is larger than in filters, since a stored schema
// may have one: what it costs to match is charged by its size.
const maxRulePattern = 20_000

// rulePerByte is what the budget of an event for its rules grows by with each byte of the payload: a rule may be about every
// element of a long list.
const rulePerByte = 4

// ruleMeter is a validator whose rules' expressions are metered.
type ruleMeter struct {
	protovalidate.Validator
	// running has the meters of the validations under way. A rule finds its own by the time that `now` is for it, which
	// is all that the validator hands on from one validation to its rules.
	running *sync.Map
}

// newRuleMeter makes a validator for the messages of a schema.
func newRuleMeter(types protoregistry.ExtensionTypeResolver) (ruleMeter, error) {
	validator, err := protovalidate.New(protovalidate.WithExtensionTypeResolver(types))
	if err != nil {
		return ruleMeter{}, err
	}
	r := ruleMeter{validator, &sync.Map{}}
	env, err := environmentOf(validator)
	if err != nil {
		return ruleMeter{}, err
	}
	metered, err := meter.Rates{Find: r.find, EveryCall: true, MaxPattern: maxRulePattern}.Meter(*env)
	if err != nil {
		return ruleMeter{}, err
	}
	*env = metered
	return r, nil
}

// environmentOf is where a validator that has not been used keeps the environment in which it compiles rules. The
// library has no option for it, and without one nothing bounds what a rule takes: 60 kB of text make gigabytes. The
// alternative is to evaluate every rule beside the library.
func environmentOf(validator protovalidate.Validator) (**cel.Env, error) {
	held := reflect.ValueOf(validator)
	for _, name := range []string{"builder", "env"} {
		if held.Kind() != reflect.Pointer || held.Elem().Kind() != reflect.Struct {
			return nil, errors.New("meter rules: this version of protovalidate keeps its environment elsewhere")
		}
		if held = held.Elem().FieldByName(name); !held.IsValid() {
			return nil, fmt.Errorf("meter rules: this version of protovalidate has no %s", name)
		}
	}
	if held.Type() != reflect.TypeFor[*cel.Env]() {
		return nil, fmt.Errorf("meter rules: this version of protovalidate has a %s as its environment", held.Type())
	}
	return (**cel.Env)(unsafe.Pointer(held.UnsafeAddr())), nil
}

// find looks in the outermost scope: a loop may call its elements `now`.
func (r ruleMeter) find(frame *interpreter.ExecutionFrame) *meter.Meter {
	outermost := frame.Unwrap()
	for within := outermost.Parent(); within != nil; within = within.Parent() {
		outermost = within
	}
	now, _ := outermost.ResolveName("now")
	if found, ok := r.running.Load(now); ok {
		return found.(*meter.Meter)
	}
	return nil
}

// validate holds a payload against its rules, in the budget of one event for all of them.
func (r ruleMeter) validate(payload proto.Message, open bool, options ...protovalidate.ValidationOption) (err error) {
	now, m := timestamppb.Now(), meter.New(0, open)
	m.GrowWith(func() int { return proto.Size(payload) }, rulePerByte)
	r.running.Store(now, m)
	defer r.running.Delete(now)
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("a rule panicked: %v", fault)
		}
	}()
	return r.Validate(payload, append(options, protovalidate.WithNowFunc(func() *timestamppb.Timestamp { return now }))...)
}

// notEvaluated is the violation of a rule that could not be evaluated on a payload, or not within its budget.
func (m *message) notEvaluated(failed *protovalidate.RuntimeError) gateway.Violation {
	rule, reason := "", failed.Error()
	if within := failed.Unwrap(); within != nil && errors.Unwrap(within) != nil {
		reason = errors.Unwrap(within).Error()
		rule = strings.TrimSuffix(strings.TrimPrefix(within.Error(), "error evaluating "), ": "+reason)
	}
	return gateway.Violation{
		Field: string(m.appendPathOfRule([]byte(DataField), rule, map[*message]bool{})), Rule: rule,
		Message: "the rule fails on this event: " + reason,
	}
}

// appendPathOfRule writes the path of the first field, or message, that a rule stands at; that of m when there is none.
func (m *message) appendPathOfRule(path []byte, rule string, seen map[*message]bool) []byte {
	if found := m.pathOfRule(path, rule, seen); found != nil {
		return found
	}
	return path
}

func (m *message) pathOfRule(path []byte, rule string, seen map[*message]bool) []byte {
	if seen[m] {
		return nil
	}
	seen[m] = true
	if rules, err := protovalidate.ResolveMessageRules(m.descriptor); err == nil && hasRule(rules.GetCelExpression(), rules.GetCel(), rule) {
		return path
	}
	for _, f := range m.ordered {
		at := appendField(path[:len(path):len(path)], f)
		if fieldHasRule(rulesOf(f.descriptor), rule) {
			return at
		}
		if within := f.within(); within != nil {
			if found := within.pathOfRule(at, rule, seen); found != nil {
				return found
			}
		}
	}
	return nil
}

func fieldHasRule(rules *validate.FieldRules, rule string) bool {
	if rules == nil {
		return false
	}
	return hasRule(rules.GetCelExpression(), rules.GetCel(), rule) || fieldHasRule(rules.GetRepeated().GetItems(), rule) ||
		fieldHasRule(rules.GetMap().GetKeys(), rule) || fieldHasRule(rules.GetMap().GetValues(), rule)
}

func hasRule(expressions []string, rules []*validate.Rule, rule string) bool {
	return slices.Contains(expressions, rule) || slices.ContainsFunc(rules, func(r *validate.Rule) bool { return r.GetId() == rule })
}
