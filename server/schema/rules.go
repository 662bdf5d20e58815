package schema

import (
	"errors"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/types/dynamicpb"
)

// checkRules forces the rules of the chosen messages, and of all they hold, to be compiled; otherwise that happens with
// the first payload.
func (c *choice) checkRules() {
	reached := &reach{}
	for _, one := range c.found {
		reached.message(one.descriptor)
	}
	if len(reached.messages) > maxHeldMessages && !c.holdLittle() || !c.affordable(reached) {
		return
	}
	validator, err := newRuleMeter(c.bundle.types)
	if err != nil {
		c.faults.add("descriptor_set", "%s", err)
		return
	}
	for _, message := range reached.messages {
		var fault *protovalidate.CompilationError
		if err := validator.validate(dynamicpb.NewMessage(message), false); errors.As(err, &fault) {
			c.faults.add(positionOf(message).String(), "message %s: %.1000s", message.FullName(), fault.Error())
		}
	}
}

// maxHeldMessages bounds the messages that one payload can hold, and with them how deep compiling its rules descends: the
// validator does so by recursion, three kilobytes a message, and a stack that overflows ends the process.
const maxHeldMessages = 10_000

// holdLittle looks that no type can hold too many messages.
func (c *choice) holdLittle() bool {
	before := len(c.faults.found)
	for _, one := range c.found {
		held := &reach{}
		if held.message(one.descriptor); len(held.messages) > maxHeldMessages {
			c.faults.add(positionOf(one.descriptor).String(), "message %s: can hold %d other messages, at most %d are allowed",
				one.descriptor.FullName(), len(held.messages)-1, maxHeldMessages)
		}
	}
	return len(c.faults.found) == before
}

// affordable looks that no rule takes too much, and reports whether the rules may be compiled: that evaluates some.
func (c *choice) affordable(reached *reach) bool {
	costs, err := newRuleCosts()
	if err != nil {
		c.faults.add("descriptor_set", "%s", err)
		return false
	}
	before := len(c.faults.found)
	for _, message := range reached.messages {
		if fault := costs.message(message); fault != "" {
			c.faults.add(positionOf(message).String(), "message %s: %s", message.FullName(), fault)
		}
	}
	for _, extensions := range c.bundle.extensions {
		for _, one := range extensions {
			added := one.TypeDescriptor().Descriptor()
			rules, err := protovalidate.ResolvePredefinedRules(added)
			if err != nil {
				continue
			}
			if fault := costs.rules(nil, rules.GetCel()); fault != "" {
				c.faults.add(positionOf(added).String(), "extension %s: %s", added.FullName(), fault)
			}
		}
	}
	return len(c.faults.found) == before
}
