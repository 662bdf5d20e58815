package schema

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// What is reported of one payload's unknown fields: paths that are neither many nor long, of the first fields only. A payload
// may have a hundred thousand of them under a key of half a megabyte.
const (
	maxIgnored     = 20
	maxIgnoredPath = 200
	// maxIgnoredLooks bounds the fields whose paths are looked at, longestLook such a path with the subscripts in it.
	maxIgnoredLooks = 1000
	longestLook     = 1000
)

// ignored are the fields of one payload that were left out since the schema does not have them.
type ignored struct {
	paths []string
	some  bool
	looks int
}

// add records a field that was left out of the message at a path.
func (i *ignored) add(within []byte, name string) {
	i.some = true
	if len(i.paths) == maxIgnored || i.looks == maxIgnoredLooks || len(within)+len(name) > longestLook {
		return
	}
	i.looks++
	path := subscript.ReplaceAllString(string(AppendName(slices.Clip(within), name)), "[]") // The same for all entries of a list.
	if len(path) <= maxIgnoredPath && !slices.Contains(i.paths, path) {
		i.paths = append(i.paths, path)
	}
}

// Lenient reads payloads of a type and leaves out fields that its schema does not have, in whichever form they come. It is
// for one payload.
type Lenient struct {
	of      *Type
	ignored ignored
}

// Lenient makes a reader of one payload.
func (t *Type) Lenient() *Lenient { return &Lenient{of: t} }

// Ignored reports whether something was left out, and the paths of the first fields that were.
func (l *Lenient) Ignored() (paths []string, some bool) { return l.ignored.paths, l.ignored.some }

// FromJSON is that of the type.
func (l *Lenient) FromJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(l.json(text), true)
}

// FromBinary is that of the type.
func (l *Lenient) FromBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(l.binary(encoded), true)
}

// EncodeJSON is that of the type.
func (l *Lenient) EncodeJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(l.json(text), false)
}

// EncodeBinary is that of the type.
func (l *Lenient) EncodeBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(l.binary(encoded), false)
}

func (l *Lenient) json(text []byte) payloadReader {
	return func(m *message) (proto.Message, []gateway.Violation, error) {
		l.ignored = ignored{}
		return m.readJSON(text, &l.ignored)
	}
}

func (l *Lenient) binary(encoded []byte) payloadReader {
	return func(m *message) (proto.Message, []gateway.Violation, error) {
		l.ignored = ignored{}
		return m.readBinary(encoded, &l.ignored)
	}
}

// leaveOut takes the unknown fields out of an encoded message and notes their numbers.
func (i *ignored) leaveOut(path []byte, payload protoreflect.Message) {
	for raw := payload.GetUnknown(); len(raw) > 0; {
		number, _, length := protowire.ConsumeField(raw)
		if length < 0 {
			break
		}
		raw = raw[length:]
		i.add(path, strconv.Itoa(int(number)))
	}
	payload.SetUnknown(nil)
}
