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

// maxRulePattern bounds the size of a regular expression in a rule. It is larger than for filters, because stored schemas
// may have such patterns. The cost of matching is charged by the size of the pattern.
const maxRulePattern = 20_000

// rulePerByte is the number of steps by which the budget for the rules of an event grows with each byte of the payload: a
// rule may check every element of a long list.
const rulePerByte = 4

// RuleMeter is a validator that limits the cost of evaluating rules.
type RuleMeter struct {
	protovalidate.Validator
	// running holds the meters of the current validations. The key is the time that `now` has in a validation: it is the
	// only value that the validator passes from a validation to its rules.
	running *sync.Map
	// open means that a payload may have parts that a rule decodes each time it reads them.
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

// environmentOf returns the address of the environment in which an unused validator will compile rules. The library has no
// option to set it. Without metering nothing limits the cost of a rule: 60 kB of text make gigabytes. The alternative would
// be to evaluate all rules without the library.
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

// find looks up `now` in the outermost scope, because a loop may use that name for its elements.
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

// Validate checks the rules of a payload. All of them share the budget of one event.
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
