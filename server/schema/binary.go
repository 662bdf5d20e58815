package schema

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/gateway"
)

// readBinary reads an encoded message. Fields that the schema does not have are refused, and what has no JSON.
func (m *message) readBinary(encoded []byte) (proto.Message, []gateway.Violation, error) {
	payload := dynamicpb.NewMessage(m.descriptor)
	options := proto.UnmarshalOptions{
		AllowPartial: true, Resolver: m.bundle.types, RecursionLimit: gateway.MaxDataDepth,
	}
	if err := options.Unmarshal(encoded, payload); err != nil {
		return nil, []gateway.Violation{{
			Field: DataField, Message: fmt.Sprintf("is not a valid %s: %s", m.descriptor.FullName(), trimProto(err.Error())),
		}}, nil
	}
	walk := encodedWalk{types: m.bundle.types}
	walk.message(DataField, payload)
	violations := append(walk.violations, m.missing(payload)...)
	return payload, violations[:min(len(violations), MaxViolations)], nil
}

// encodedWalk looks through a message that was read from its encoding.
type encodedWalk struct {
	types      resolver
	violations []gateway.Violation
}

func (w *encodedWalk) fault(path, message string) {
	w.violations = append(w.violations, gateway.Violation{Field: path, Message: message})
}

func (w *encodedWalk) message(path string, m protoreflect.Message) {
	if raw := m.GetUnknown(); len(raw) > 0 {
		number, _, _ := protowire.ConsumeTag(raw)
		w.fault(path, fmt.Sprintf("field number %d is not in %s", number, m.Descriptor().FullName()))
	}
	if specialReader(m.Descriptor().FullName()) != nil {
		if fault := encodedFault(w.types, m); fault != "" {
			w.fault(path, fault)
		}
		return
	}
	m.Range(func(fd protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if valueMessage(fd) != nil {
			w.field(path+"."+fd.JSONName(), fd, value)
		}
		return len(w.violations) < MaxViolations
	})
}

// field looks through a field that holds messages.
func (w *encodedWalk) field(path string, fd protoreflect.FieldDescriptor, value protoreflect.Value) {
	switch {
	case fd.IsMap():
		value.Map().Range(func(key protoreflect.MapKey, one protoreflect.Value) bool {
			w.message(path+keySubscript(key), one.Message())
			return true
		})
	case fd.IsList():
		for i := range value.List().Len() {
			w.message(path+"["+strconv.Itoa(i)+"]", value.List().Get(i).Message())
		}
	default:
		w.message(path, value.Message())
	}
}

func keySubscript(key protoreflect.MapKey) string {
	if text, ok := key.Interface().(string); ok {
		return "[" + strconv.Quote(text) + "]"
	}
	return "[" + key.String() + "]"
}

// missing tells of required fields (proto2) that are not there.
func (m *message) missing(payload proto.Message) []gateway.Violation {
	if !m.bundle.required {
		return nil
	}
	if err := proto.CheckInitialized(payload); err != nil {
		return []gateway.Violation{{Field: DataField, Message: trimProto(err.Error())}}
	}
	return nil
}
