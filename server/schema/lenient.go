package schema

import (
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/codec"
)

// Lenient reads one payload of a type, as JSON or as an encoded message, and leaves out the fields that the schema does not
// have.
type Lenient struct {
	of      *Type
	ignored codec.Ignored
}

// Lenient returns a reader for one payload.
func (t *Type) Lenient() *Lenient { return &Lenient{of: t} }

// Ignored reports whether fields were left out, and returns the paths of the first of them.
func (l *Lenient) Ignored() (paths []string, some bool) { return l.ignored.Paths, l.ignored.Some }

// FromJSON is like Type.FromJSON.
func (l *Lenient) FromJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(codec.JSON(text, l.anew()), true)
}

// FromBinary is like Type.FromBinary.
func (l *Lenient) FromBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(codec.Binary(encoded, l.anew()), true)
}

// EncodeJSON is like Type.EncodeJSON.
func (l *Lenient) EncodeJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(codec.JSON(text, l.anew()), false)
}

// EncodeBinary is like Type.EncodeBinary.
func (l *Lenient) EncodeBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(codec.Binary(encoded, l.anew()), false)
}

// anew forgets the fields that an earlier call left out.
func (l *Lenient) anew() *codec.Ignored {
	l.ignored = codec.Ignored{}
	return &l.ignored
}
