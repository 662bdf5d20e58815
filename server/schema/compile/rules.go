package compile

import (
	"errors"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// checkRules compiles the rules of the chosen messages and of all messages that they hold. Otherwise the first payload would
// compile them.
func (c *choice) checkRules() {
	reached := &Reachable{}
	for _, one := range c.found {
		reached.Add(one.descriptor)
	}
	if len(reached.Messages) > maxHeldMessages && !c.checkSizes() || !c.affordable(reached) {
		return
	}
	validator, err := newRuleMeter(c.files.Types, false)
	if err != nil {
		c.faults.add("descriptor_set", "%s", err)
		return
	}
	for _, message := range reached.Messages {
		var fault *protovalidate.CompilationError
		if err := validator.Validate(dynamicpb.NewMessage(message)); errors.As(err, &fault) {
			c.faults.add(PositionOf(message).String(), "message %s: %.1000s", message.FullName(), fault.Error())
		}
	}
}

// maxHeldMessages bounds the number of messages that one payload can hold. This also bounds the recursion of compiling their
// rules, which takes three kilobytes of stack a message; a stack overflow ends the process.
const maxHeldMessages = 10_000

// checkSizes adds a fault for each type that can hold too many messages, and returns false if there is one.
func (c *choice) checkSizes() bool {
	before := len(c.faults.found)
	for _, one := range c.found {
		held := &Reachable{}
		if held.Add(one.descriptor); len(held.Messages) > maxHeldMessages {
			c.faults.add(PositionOf(one.descriptor).String(), "message %s: can hold %d other messages, at most %d are allowed",
				one.descriptor.FullName(), len(held.Messages)-1, maxHeldMessages)
		}
	}
	return len(c.faults.found) == before
}

// affordable reports whether the rules may be compiled, and adds a fault for each rule that is too costly. Compiling
// evaluates some rules, so this check comes first.
func (c *choice) affordable(reached *Reachable) bool {
	costs, err := newRuleCosts()
	if err != nil {
		c.faults.add("descriptor_set", "%s", err)
		return false
	}
	before := len(c.faults.found)
	for _, message := range reached.Messages {
		if fault := costs.message(message); fault != "" {
			c.faults.add(PositionOf(message).String(), "message %s: %s", message.FullName(), fault)
		}
	}
	for _, extensions := range c.files.Extensions {
		for _, one := range extensions {
			added := one.TypeDescriptor().Descriptor()
			rules, err := protovalidate.ResolvePredefinedRules(added)
			if err != nil {
				continue
			}
			if fault := costs.rules(nil, rules.GetCel()); fault != "" {
				c.faults.add(PositionOf(added).String(), "extension %s: %s", added.FullName(), fault)
			}
		}
	}
	return len(c.faults.found) == before
}

// RulesOf returns the rules of a field; there may be none.
func RulesOf(field protoreflect.FieldDescriptor) *validate.FieldRules {
	rules, err := protovalidate.ResolveFieldRules(field)
	if err != nil {
		return nil
	}
	return rules
}
