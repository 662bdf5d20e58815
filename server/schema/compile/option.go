package compile

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// option returns the option that marks a message as an event type, nil when it has none.
func (c *choice) option(message protoreflect.MessageDescriptor) *postriderv1.EventOption {
	options, ok := message.Options().(*descriptorpb.MessageOptions)
	if !ok || !proto.HasExtension(options, postriderv1.E_Event) {
		return nil
	}
	// In files that do not import our option, another option may have the same number.
	if _, err := c.files.FindFileByPath(optionFile); err != nil {
		return nil
	}
	found, _ := proto.GetExtension(options, postriderv1.E_Event).(*postriderv1.EventOption)
	return found
}

// fieldPath checks a field path in an option.
func (c *choice) fieldPath(message protoreflect.MessageDescriptor, option, path string) string {
	if path == "" {
		return ""
	}
	if _, fault := fieldAt(message, path); fault != "" {
		c.faults.add(PositionOf(message).String(), "message %s: option (postrider.v1.event).%s: %s",
			message.FullName(), option, fault)
		return ""
	}
	return path
}

// fieldAt follows a path such as "customer.id" to a field that has one scalar value.
func fieldAt(message protoreflect.MessageDescriptor, path string) (found protoreflect.FieldDescriptor, fault string) {
	within := message
	for name := range strings.SplitSeq(path, ".") {
		if within == nil {
			return nil, fmt.Sprintf("%s in %.200q is no message, it has no fields", found.Name(), path)
		}
		found = within.Fields().ByName(protoreflect.Name(name))
		switch {
		case found == nil:
			return nil, fmt.Sprintf("%s has no field %.100q", within.FullName(), name)
		case found.Cardinality() == protoreflect.Repeated:
			return nil, fmt.Sprintf("%s in %.200q holds several values", name, path)
		}
		within = found.Message()
	}
	if within != nil {
		return nil, fmt.Sprintf("%.200q is a message; name a field of it", path)
	}
	return found, ""
}

// ImportsOption reports whether a file of a set imports the option that marks event types. In files that do not, another
// option may have the same number.
func ImportsOption(set *descriptorpb.FileDescriptorSet) bool {
	return slices.ContainsFunc(set.GetFile(), func(file *descriptorpb.FileDescriptorProto) bool {
		return slices.Contains(file.GetDependency(), optionFile)
	})
}

// HasOption reports whether a message of files that import the option is marked as an event type.
func HasOption(message *descriptorpb.DescriptorProto) bool {
	return proto.HasExtension(message.GetOptions(), postriderv1.E_Event)
}
