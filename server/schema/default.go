package schema

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/gateway"
)

// maxDefaultBytes bounds what defaults add to the text of a payload: two bytes of it may be a message with a thousand fields.
const maxDefaultBytes = gateway.MaxDataBytes

// The defaults of a message are its fields without presence, as JSON has them when they are not set.

// defaultBytesOf is about how much text the defaults of a message take, all of them not set.
func defaultBytesOf(fields []*field) (total int) {
	for _, f := range fields {
		if !f.hasPresence && !f.descriptor.IsExtension() {
			total += len(`"":,`) + len(f.name) + defaultBytes(f)
		}
	}
	return total
}

func defaultBytes(f *field) int {
	if values := f.descriptor.Enum(); values != nil && !f.isList && f.value == nil {
		return len(`""`) + len(values.Values().Get(0).Name())
	}
	return len(`false`)
}

// fitsDefaults reports whether a payload may be shown with defaults. It looks at each message, not at each field that is
// not set.
func (m *message) fitsDefaults(payload protoreflect.Message) bool {
	w := &defaultsWalk{left: maxDefaultBytes}
	w.message(m, payload)
	return w.left >= 0
}

type defaultsWalk struct{ left int }

func (w *defaultsWalk) message(m *message, payload protoreflect.Message) {
	if m.special != nil {
		w.anyMessage(m, payload)
		return
	}
	if w.left -= m.defaultBytes; w.left < 0 {
		return
	}
	payload.Range(func(fd protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		w.field(m.numbers[fd.Number()], value)
		return w.left >= 0
	})
}

func (w *defaultsWalk) field(f *field, value protoreflect.Value) {
	switch {
	case f.value != nil && f.value.message != nil:
		value.Map().Range(func(_ protoreflect.MapKey, one protoreflect.Value) bool {
			w.message(f.value.message, one.Message())
			return w.left >= 0
		})
	case f.message == nil:
	case f.isList:
		for i := 0; i < value.List().Len() && w.left >= 0; i++ {
			w.message(f.message, value.List().Get(i).Message())
		}
	default:
		w.message(f.message, value.Message())
	}
}

// anyMessage looks into an Any, the only well-known type that holds messages with defaults.
func (w *defaultsWalk) anyMessage(m *message, payload protoreflect.Message) {
	if m.descriptor.FullName() != anyName {
		return
	}
	fields := m.descriptor.Fields()
	inner, fault := m.bundle.anyMessage(payload.Get(fields.ByNumber(anyURL)).String())
	if fault != "" {
		return
	}
	content := dynamicpb.NewMessage(inner.descriptor)
	if m.bundle.decode(payload.Get(fields.ByNumber(anyValue)).Bytes(), content) == nil {
		w.message(inner, content.ProtoReflect())
	}
}
