package compile

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"buf.build/go/protovalidate"
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/interpreter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postrider-dev/postrider/server/meter"
)

// maxRulePattern bounds a regular expression in a rule's expression. It is larger than in filters, since a stored schema
// may have one: what it costs to match is charged by its size.
const maxRulePattern = 20_000

// rulePerByte is what the budget of an event for its rules grows by with each byte of the payload: a rule may be about every
// element of a long list.
const rulePerByte = 4

// RuleMeter is a validator whose rules' expressions are metered.
type RuleMeter struct {
	protovalidate.Validator
	// running has the meters of the validations under way. A rule finds its own by the time that `now` is for it, which
	// is all that the validator hands on from one validation to its rules.
	running *sync.Map
	// open says that a payload may have parts that a rule decodes each time it reads them.
	open bool
}

// newRuleMeter makes a validator for the messages of a schema.
func newRuleMeter(types protoregistry.ExtensionTypeResolver, open bool) (RuleMeter, error) {
	validator, err := protovalidate.New(protovalidate.WithExtensionTypeResolver(types))
	if err != nil {
		return RuleMeter{}, err
	}
	r := RuleMeter{validator, &sync.Map{}, open}
	env, err := environmentOf(validator)
	if err != nil {
		return RuleMeter{}, err
	}
	metered, err := meter.Rates{Find: r.find, EveryCall: true, MaxPattern: maxRulePattern}.Meter(*env)
	if err != nil {
		return RuleMeter{}, err
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
func (r RuleMeter) find(frame *interpreter.ExecutionFrame) *meter.Meter {
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

// Validate checks the rules of a payload, within the budget of one event for all of them.
func (r RuleMeter) Validate(payload proto.Message, options ...protovalidate.ValidationOption) (err error) {
	now, m := timestamppb.Now(), meter.New(0, r.open)
	m.GrowWith(func() int { return proto.Size(payload) }, rulePerByte)
	r.running.Store(now, m)
	defer r.running.Delete(now)
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("a rule panicked: %v", fault)
		}
	}()
	return r.Validator.Validate(payload, append(options, protovalidate.WithNowFunc(func() *timestamppb.Timestamp { return now }))...)
}
