package wire

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxChecked is how many fields, elements and entries a request may have for all its faults to be found. Each may be one, which
// takes a kilobyte: of a request with more of them only the first is.
const maxChecked = 1000

// hasFewFaults reports whether a message has at most maxChecked fields, elements and entries that rules are about.
func hasFewFaults(message proto.Message) bool {
	return checkedLeft(message.ProtoReflect(), maxChecked) >= 0
}

// checkedLeft takes from left what a message has of them. What is in a payload has no rules.
func checkedLeft(m protoreflect.Message, left int) int {
	if m.Descriptor().ParentFile().Package() == "google.protobuf" {
		return left
	}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		left--
		switch {
		case field.IsMap():
			left -= value.Map().Len()
		case field.IsList() && field.Message() == nil:
			left -= value.List().Len()
		case field.IsList():
			for i := 0; i < value.List().Len() && left >= 0; i++ {
				left = checkedLeft(value.List().Get(i).Message(), left-1)
			}
		case field.Message() != nil:
			left = checkedLeft(value.Message(), left)
		}
		return left >= 0
	})
	return left
}
