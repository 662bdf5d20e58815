package codec

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// maxDefaultBytes bounds the text that defaults add to a payload: two bytes of a payload may be a message with a thousand
// fields.
const maxDefaultBytes = gateway.MaxDataBytes

// The defaults of a message are the JSON values of its fields without presence that are not set.

// defaultBytesOf returns about how much text the defaults of a message take if no field is set.
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

// fitsDefaults reports whether the defaults of a payload are within maxDefaultBytes. It visits each message, but not each
// unset field.
func (m *Message) fitsDefaults(payload protoreflect.Message) bool {
	w := &payloadWalk{left: maxDefaultBytes, weight: func(m *Message) int { return m.defaultBytes }}
	return w.fits(m, payload)
}
