package codec

import (
	"bytes"
	"io"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/postrider-dev/postrider/server/gateway"
)

// AppendCanonical checks a payload without a schema and appends its canonical form, which is used to compare payloads. In
// it, members are sorted by name, there is no white space, strings have one spelling, and numbers stay as they are written
// (1.10 is not 1.1). The payload must be a JSON object in valid UTF-8, without repeated names, and nested at most
// gateway.MaxDataDepth deep. The error is a *gateway.Error that names the field.
func AppendCanonical(dst, text []byte) ([]byte, error) {
	c := canonicalizers.Get().(*canonicalizer)
	defer canonicalizers.Put(c)
	c.input, c.out, c.members = *bytes.NewBuffer(text), dst, c.members[:0]
	c.tokens.Reset(&c.input)
	err := c.payload(text)
	dst, c.out, c.input = c.out, nil, bytes.Buffer{}
	return dst, err
}

// canonicalizer writes the canonical form of texts, one after the other.
type canonicalizer struct {
	input   bytes.Buffer
	tokens  jsontext.Decoder
	out     []byte
	members []member
	scratch []byte
}

// member is a member of an object in the output. It includes the name, the value and the comma after it.
type member struct{ begin, nameEnd, end int }

var canonicalizers = sync.Pool{New: func() any { return new(canonicalizer) }}

func (c *canonicalizer) payload(text []byte) error {
	if kind := c.tokens.PeekKind(); kind != '{' && kind != 0 {
		return gateway.FieldError(DataField, "must be a JSON object")
	}
	fault, err := c.value()
	if fault != nil {
		return fault
	}
	if err != nil {
		return SyntaxError(DataField, text, err)
	}
	if _, err := c.tokens.ReadToken(); err != io.EOF {
		return malformed(DataField, "has something after the JSON object")
	}
	return nil
}

func (c *canonicalizer) value() (*gateway.Error, error) {
	switch c.tokens.PeekKind() {
	case '{':
		return c.object()
	case '[':
		return c.array()
	case '"':
		return nil, c.text()
	default:
		raw, err := c.tokens.ReadValue()
		c.out = append(c.out, raw...)
		return nil, err
	}
}

// text writes a string with the fewest escapes. A string without escapes is copied.
func (c *canonicalizer) text() error {
	raw, err := c.tokens.ReadValue()
	if err != nil {
		return err
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		c.out = append(c.out, raw...)
		return nil
	}
	if c.scratch, err = jsontext.AppendUnquote(c.scratch[:0], raw); err != nil {
		return err
	}
	c.out, err = jsontext.AppendQuote(c.out, c.scratch)
	return err
}

func (c *canonicalizer) enter() (*gateway.Error, error) {
	_, err := c.tokens.ReadToken()
	if err == nil && c.tokens.StackDepth() > gateway.MaxDataDepth {
		field := PointerPath(DataField, c.tokens.StackPointer())
		return gateway.FieldError(field, "is nested more than %d deep", gateway.MaxDataDepth), nil
	}
	return nil, err
}

func (c *canonicalizer) array() (*gateway.Error, error) {
	if fault, err := c.enter(); fault != nil || err != nil {
		return fault, err
	}
	c.out = append(c.out, '[')
	empty := len(c.out)
	for c.tokens.PeekKind() != ']' {
		if fault, err := c.value(); fault != nil || err != nil {
			return fault, err
		}
		c.out = append(c.out, ',')
	}
	return nil, c.leave(empty, ']')
}

func (c *canonicalizer) object() (*gateway.Error, error) {
	if fault, err := c.enter(); fault != nil || err != nil {
		return fault, err
	}
	c.out = append(c.out, '{')
	empty, first := len(c.out), len(c.members)
	for c.tokens.PeekKind() != '}' {
		one := member{begin: len(c.out)}
		if err := c.text(); err != nil {
			return nil, err
		}
		one.nameEnd = len(c.out)
		c.out = append(c.out, ':')
		if fault, err := c.value(); fault != nil || err != nil {
			return fault, err
		}
		c.out = append(c.out, ',')
		one.end = len(c.out)
		c.members = append(c.members, one)
	}
	c.sort(c.members[first:])
	c.members = c.members[:first]
	return nil, c.leave(empty, '}')
}

// leave ends an array or object: the bracket replaces the last comma, if there is one.
func (c *canonicalizer) leave(empty int, bracket byte) error {
	_, err := c.tokens.ReadToken()
	if len(c.out) > empty {
		c.out[len(c.out)-1] = bracket
	} else {
		c.out = append(c.out, bracket)
	}
	return err
}

// sort sorts the members of the object that was written last by name.
func (c *canonicalizer) sort(members []member) {
	order := func(a, b member) int { return bytes.Compare(c.out[a.begin:a.nameEnd], c.out[b.begin:b.nameEnd]) }
	if slices.IsSortedFunc(members, order) {
		return
	}
	begin := members[0].begin
	slices.SortFunc(members, order)
	c.scratch = c.scratch[:0]
	for _, one := range members {
		c.scratch = append(c.scratch, c.out[one.begin:one.end]...)
	}
	copy(c.out[begin:], c.scratch)
}
