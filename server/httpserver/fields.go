package httpserver

// fieldCounter counts the fields of the header lists that an HTTP/2 client sends, in HPACK's representations (RFC 7541, section 6).
// The cost of a list does not depend on its bytes: a token of a kilobyte is one field, and a kilobyte of references to earlier fields
// is a thousand fields. It only finds the end of each field; net/http decodes them.
type fieldCounter struct {
	state fieldState
	// strings are how many texts of the field are still to come: its value, and its name where that is spelled out.
	strings int
	// number is the current number, and shift the position of its next seven bits.
	number, shift int
	// skip is the outstanding length of the current text.
	skip int
}

type fieldState uint8

const (
	fieldBegins fieldState = iota
	// fieldIndex: more bytes of the index of a field or of its name come.
	fieldIndex
	textBegins
	// textLength: more bytes of the length of a text come.
	textLength
)

// pass parses a part of a header list and returns the number of fields that begin in it. A change of the table's size counts as one.
func (f *fieldCounter) pass(p []byte) (fields int) {
	for len(p) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(p))
			f.skip -= n
			p = p[n:]
			continue
		}
		b := p[0]
		p = p[1:]
		switch f.state {
		case fieldBegins:
			fields++
			f.begin(b)
		case fieldIndex:
			if b < 0x80 {
				f.afterIndex()
			}
		case textBegins:
			f.number, f.shift = int(b&0x7f), 0
			if f.state = textLength; f.number < 0x7f {
				f.text()
			}
		case textLength:
			f.more(b)
		}
	}
	return fields
}

// begin parses the first byte of a field: its kind, and the beginning of an index.
func (f *fieldCounter) begin(b byte) {
	var mask byte
	switch {
	case b&0x80 != 0: // indexed
		mask, f.strings = 0x7f, 0
	case b&0x40 != 0: // literal, to be indexed
		mask, f.strings = 0x3f, 1
	case b&0x20 != 0: // the size of the table
		mask, f.strings = 0x1f, 0
	default: // literal, not to be indexed
		mask, f.strings = 0x0f, 1
	}
	if f.strings == 1 && b&mask == 0 {
		f.strings = 2
	}
	if f.state = fieldIndex; b&mask != mask {
		f.afterIndex()
	}
}

func (f *fieldCounter) afterIndex() {
	if f.state = fieldBegins; f.strings > 0 {
		f.state = textBegins
	}
}

// more parses a further byte of a text's length. A length above that of any header list ends the connection in net/http.
func (f *fieldCounter) more(b byte) {
	if f.shift <= 28 {
		f.number += int(b&0x7f) << f.shift
		f.shift += 7
	}
	if b < 0x80 {
		f.text()
	}
}

func (f *fieldCounter) text() {
	f.skip = f.number
	f.strings--
	f.afterIndex()
}
