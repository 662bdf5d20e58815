package schema

import (
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/codec"
)

// Lenient reads payloads of a type and leaves out fields that its schema does not have, in whichever form they come. It is
// for one payload.
type Lenient struct {
	of      *Type
	ignored codec.Ignored
}

// Lenient makes a reader of one payload.
func (t *Type) Lenient() *Lenient { return &Lenient{of: t} }

// Ignored reports whether something was left out, and the paths of the first fields that were.
func (l *Lenient) Ignored() (paths []string, some bool) { return l.ignored.Paths, l.ignored.Some }

// FromJSON is that of the type.
func (l *Lenient) FromJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(codec.JSON(text, l.anew()), true)
}

// FromBinary is that of the type.
func (l *Lenient) FromBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(codec.Binary(encoded, l.anew()), true)
}

// EncodeJSON is that of the type.
func (l *Lenient) EncodeJSON(text []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(codec.JSON(text, l.anew()), false)
}

// EncodeBinary is that of the type.
func (l *Lenient) EncodeBinary(encoded []byte) (canonical []byte, violations []gateway.Violation, err error) {
	return l.of.accept(codec.Binary(encoded, l.anew()), false)
}

// anew forgets what was left out before.
func (l *Lenient) anew() *codec.Ignored {
	l.ignored = codec.Ignored{}
	return &l.ignored
}
