package compile

import (
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postrider-dev/postrider/server/gateway"
)

// EventType is an event type to register.
type EventType struct {
	// Type is the name of the event type: the one in the selection or in the message's option, otherwise the full name of
	// the message.
	Type    string
	Message string
	// Files is a FileDescriptorSet with the message's file, the files that declare extensions of what a payload can hold
	// (all files if it can hold a google.protobuf.Any), and everything they import, imports first. It includes comments and
	// positions if there are any. It leaves out the files that all schemas share: the server has them, and the rules alone
	// are 75 kB.
	Files []byte
	// Hash is the hash of the files. Two versions with the same hash are the same; otherwise Type.Identity decides. The hash
	// covers neither comments nor the files that all schemas share. So neither a better comment nor a newer compiler makes a
	// new version.
	Hash [sha256.Size]byte
	// Description is for people: the one of the option, otherwise the comment of the message.
	Description string
	// OrderingKey and Subject are field paths such as "customer.id"; empty when the option has none.
	OrderingKey, Subject string
}

// Selection selects the messages of a descriptor set that become event types, besides those with the option
// postrider.v1.event.
type Selection struct {
	// All selects every top-level message, except in the files that all schemas share.
	All bool
	// Messages are selected in any case. Those with a Type get that name.
	Messages []Named
}

// Named is a message to register as an event type. With an empty Type it gets its default name.
type Named struct{ Message, Type string }

// Limits of a descriptor set.
const (
	maxSetDepth   = 200
	maxEventTypes = 10_000
)

// Select returns the event types of an encoded FileDescriptorSet: the messages with the option postrider.v1.event, the named
// ones and, if All is set, all top-level ones. Rules are compiled. Faults are returned as one *gateway.Error (CodeInvalid,
// ReasonInvalidSchema) with a violation for each. Without All it is an error if there are no event types.
func Select(descriptorSet []byte, s Selection) (found []EventType, err error) {
	defer Recover(&err, "find event types")
	whole, err := readClosure(descriptorSet)
	if err != nil {
		return nil, err
	}
	compiled, err := NewFiles(&whole.all)
	if err != nil {
		return nil, invalid("descriptor_set: %s", TrimProto(err.Error()))
	}
	c := &choice{files: compiled, selection: s, owner: make(map[string]protoreflect.FullName)}
	c.choose(&whole.all)
	c.checkRules()
	if err := c.faults.err(); err != nil {
		return nil, err
	}
	return whole.pack(c.found, compiled)
}

// chosen is a message that becomes an event type.
type chosen struct {
	descriptor protoreflect.MessageDescriptor
	EventType
}

// choice finds the event types of compiled files.
type choice struct {
	files     *Files
	selection Selection
	found     []chosen
	// owner maps each used name to its message.
	owner  map[string]protoreflect.FullName
	faults faults
}

func (c *choice) choose(set *descriptorpb.FileDescriptorSet) {
	named := c.named()
	for _, one := range set.GetFile() {
		if IsShared(one.GetName()) {
			continue
		}
		file, err := c.files.FindFileByPath(one.GetName())
		if err != nil {
			c.faults.add(one.GetName(), "%s", err)
			continue
		}
		c.chooseFrom(file.Messages(), c.selection.All, named)
	}
	if len(c.found) == 0 && !c.selection.All && len(c.faults.found) == 0 {
		c.faults.add("messages", "no message is an event type: mark some with option (postrider.v1.event), name them, or ask for all")
	}
	if len(c.found) > maxEventTypes {
		c.faults.add("messages", "are %d event types, at most %d are registered together", len(c.found), maxEventTypes)
	}
}

// named looks up the messages that are selected by name.
func (c *choice) named() map[protoreflect.FullName][]string {
	types := make(map[protoreflect.FullName][]string)
	for i, one := range c.selection.Messages {
		name := protoreflect.FullName(one.Message)
		found, _ := c.files.FindDescriptorByName(name)
		message, ok := found.(protoreflect.MessageDescriptor)
		switch {
		case !ok:
			c.faults.add(fmt.Sprintf("messages[%d].message", i), "%.200q is not a message of the files", one.Message)
		case message.IsMapEntry() || IsShared(message.ParentFile().Path()):
			c.faults.add(fmt.Sprintf("messages[%d].message", i), "%s cannot be an event type", one.Message)
		default:
			types[name] = append(types[name], one.Type)
		}
	}
	return types
}

func (c *choice) chooseFrom(messages protoreflect.MessageDescriptors, all bool, named map[protoreflect.FullName][]string) {
	for i := range messages.Len() {
		message := messages.Get(i)
		option := c.option(message)
		types := named[message.FullName()]
		if len(types) == 0 && (all || option != nil) {
			types = []string{""}
		}
		for _, name := range types {
			c.take(message, name)
		}
		c.chooseFrom(message.Messages(), false, named)
	}
}

// take makes a message an event type.
func (c *choice) take(message protoreflect.MessageDescriptor, name string) {
	option := c.option(message)
	for _, candidate := range []string{option.GetType(), string(message.FullName())} {
		if name == "" {
			name = candidate
		}
	}
	at := PositionOf(message).String()
	switch other, taken := c.owner[name]; {
	case !gateway.ValidType(name):
		c.faults.add(at, "message %s: %.300q is not an event type: letters, digits, '_' and '-' between dots, at most %d characters",
			message.FullName(), name, gateway.MaxTypeLength)
		return
	case taken && other == message.FullName():
		return
	case taken:
		c.faults.add(at, "message %s: the event type %s is already that of %s", message.FullName(), name, other)
		return
	}
	c.owner[name] = message.FullName()
	one := EventType{Type: name, Message: string(message.FullName()), Description: option.GetDescription()}
	if one.Description == "" {
		one.Description = Comment(message)
	}
	one.OrderingKey = c.fieldPath(message, "ordering_key", option.GetOrderingKey())
	one.Subject = c.fieldPath(message, "subject", option.GetSubject())
	c.found = append(c.found, chosen{descriptor: message, EventType: one})
}
