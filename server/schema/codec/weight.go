package codec

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// payloadWalk adds up the weights of the messages and entries of a payload, up to a limit.
type payloadWalk struct {
	left int
	// weight returns the weight of a message without the messages in it. entry is the weight of a list element or map entry.
	weight func(*Message) int
	entry  int
}

// fits reports whether the weight of a payload is within the limit.
func (w *payloadWalk) fits(m *Message, payload protoreflect.Message) bool {
	w.message(m, payload)
	return w.left >= 0
}

func (w *payloadWalk) message(m *Message, payload protoreflect.Message) {
	if m.special != nil {
		w.anyMessage(m, payload)
		return
	}
	if w.left -= w.weight(m); w.left < 0 {
		return
	}
	payload.Range(func(fd protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		w.field(m.numbers[fd.Number()], value)
		return w.left >= 0
	})
}

func (w *payloadWalk) field(f *field, value protoreflect.Value) {
	switch {
	case f.value != nil:
		if w.left -= value.Map().Len() * w.entry; f.value.message == nil {
			return
		}
		value.Map().Range(func(_ protoreflect.MapKey, one protoreflect.Value) bool {
			w.message(f.value.message, one.Message())
			return w.left >= 0
		})
	case f.isList:
		if w.left -= value.List().Len() * w.entry; f.message == nil {
			return
		}
		for i := 0; i < value.List().Len() && w.left >= 0; i++ {
			w.message(f.message, value.List().Get(i).Message())
		}
	case f.message != nil:
		w.message(f.message, value.Message())
	}
}

// anyMessage visits the message in an Any, the only well-known type that holds messages of a schema.
func (w *payloadWalk) anyMessage(m *Message, payload protoreflect.Message) {
	if m.descriptor.FullName() != anyName {
		return
	}
	fields := m.descriptor.Fields()
	inner, fault := m.codec.anyMessage(payload.Get(fields.ByNumber(anyURL)).String())
	if fault != "" {
		return
	}
	content := dynamicpb.NewMessage(inner.descriptor)
	if m.codec.decode(payload.Get(fields.ByNumber(anyValue)).Bytes(), content) == nil {
		w.message(inner, content.ProtoReflect())
	}
}
