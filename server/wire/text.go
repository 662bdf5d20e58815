package wire

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// checkText refuses a request with a NUL character in any of its own texts, because PostgreSQL cannot store one. Users'
// payloads are stored as they are.
func checkText(message proto.Message) error {
	field := fieldWithNUL(message.ProtoReflect())
	if field == "" {
		return nil
	}
	return gateway.FieldError(field, "must have no NUL characters")
}

// fieldWithNUL returns the path of the first text of a message that has a NUL character; empty for none.
func fieldWithNUL(message protoreflect.Message) (path string) {
	if message.Descriptor().ParentFile().Package() == "google.protobuf" {
		return ""
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if in, found := fieldValueWithNUL(field, value); found {
			path = string(field.Name()) + in
		}
		return path == ""
	})
	return path
}

func fieldValueWithNUL(field protoreflect.FieldDescriptor, value protoreflect.Value) (in string, found bool) {
	switch {
	case field.IsMap():
		value.Map().Range(func(key protoreflect.MapKey, one protoreflect.Value) bool {
			in, found = valueWithNUL(field.MapValue(), one)
			if !found && strings.ContainsRune(key.String(), 0) {
				in, found = "", true
			}
			return !found
		})
		return in, found
	case field.IsList():
		for i := range value.List().Len() {
			if in, found = valueWithNUL(field, value.List().Get(i)); found {
				return fmt.Sprintf("[%d]%s", i, in), true
			}
		}
		return "", false
	default:
		return valueWithNUL(field, value)
	}
}

func valueWithNUL(field protoreflect.FieldDescriptor, value protoreflect.Value) (in string, found bool) {
	switch field.Kind() {
	case protoreflect.StringKind:
		return "", strings.ContainsRune(value.String(), 0)
	case protoreflect.MessageKind, protoreflect.GroupKind:
		path := fieldWithNUL(value.Message())
		return "." + path, path != ""
	default:
		return "", false
	}
}
