package codec

import (
	"google.golang.org/protobuf/reflect/protoreflect"

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
func (m *Message) fitsDefaults(payload protoreflect.Message) bool {
	w := &payloadWalk{left: maxDefaultBytes, weight: func(m *Message) int { return m.defaultBytes }}
	return w.fits(m, payload)
}
