package wire

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxChecked is the maximum number of fields, elements and entries of a request for which all violations are collected. Each
// of them may be a violation, which takes a kilobyte. For larger requests only the first violation is reported.
const maxChecked = 1000

// hasFewFaults reports whether a message has at most maxChecked fields, elements and entries to which rules apply.
func hasFewFaults(message proto.Message) bool {
	return checkedLeft(message.ProtoReflect(), maxChecked) >= 0
}

// checkedLeft subtracts the number of them in a message from left. Payloads have no rules here.
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
