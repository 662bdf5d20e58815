package codec

import (
	"bytes"
	"io"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// jsonReader reads JSON text into a message. Unlike protojson it rounds no number, reports the path of every fault, and goes
// on after a fault to find the others.
type jsonReader struct {
	input  bytes.Buffer
	tokens jsontext.Decoder
	// path is the path of the current value.
	path       []byte
	violations []gateway.Violation
	// depth is the nesting depth of the current value in the text.
	depth int
	// messages counts the messages that were read.
	messages int
	// unknown collects the fields that the schema does not have. If it is nil, such fields are faults.
	unknown *Ignored
	// broken is the error of the decoder when the text is not JSON, which ends reading.
	broken error
}

// Faults of a value, in JSON text and in encoded messages alike.
const isRequired = "is required"

var tooMany = "holds more than " + strconv.Itoa(maxMessages) + " objects"

var nestedTooDeep = "is nested more than " + strconv.Itoa(gateway.MaxDataDepth) + " deep"

var jsonReaders = sync.Pool{New: func() any { return new(jsonReader) }}

// readJSON reads a payload. The error for text that is not JSON is a *gateway.Error. unknown collects the fields that the
// schema does not have; if it is nil, such fields are faults.
func (m *Message) readJSON(text []byte, unknown *Ignored) (proto.Message, []gateway.Violation, error) {
	r := jsonReaders.Get().(*jsonReader)
	defer jsonReaders.Put(r)
	r.begin(text, DataField)
	r.unknown = unknown
	payload, _ := r.message(m)
	if r.broken == nil {
		if _, err := r.tokens.ReadToken(); err != io.EOF {
			return nil, nil, malformed(DataField, "has something after the JSON object")
		}
	}
	violations, broken := r.violations, r.broken
	r.input, r.violations, r.broken, r.unknown = bytes.Buffer{}, nil, nil, nil
	if broken != nil {
		return nil, nil, SyntaxError(DataField, text, broken)
	}
	if len(violations) > 0 {
		return nil, violations, nil
	}
	return payload.Interface(), nil, nil
}

func (r *jsonReader) begin(text []byte, path string) {
	r.input, r.violations, r.broken, r.depth, r.messages = *bytes.NewBuffer(text), nil, nil, 0, 0
	r.path = append(r.path[:0], path...)
	r.tokens.Reset(&r.input)
}

// fault adds a fault of the value at the current path.
func (r *jsonReader) fault(message string) {
	if len(r.violations) < MaxViolations {
		r.violations = append(r.violations, gateway.Violation{Field: cutText(r.path), Message: message})
	}
}

// skip skips the next value.
func (r *jsonReader) skip() {
	if err := r.tokens.SkipValue(); err != nil {
		r.broken = err
	}
}

// wrong adds a fault of the next value and skips it.
func (r *jsonReader) wrong(message string) {
	r.fault(message)
	r.skip()
}

// value returns the raw text of the next value; nil when the text is not valid.
func (r *jsonReader) value() jsontext.Value {
	raw, err := r.tokens.ReadValue()
	if err != nil {
		r.broken = err
		return nil
	}
	return raw
}

func (r *jsonReader) token() {
	if _, err := r.tokens.ReadToken(); err != nil {
		r.broken = err
	}
}

// enter reads the opening bracket of an object or array. It returns false when the nesting is too deep.
func (r *jsonReader) enter() bool {
	if r.depth+r.tokens.StackDepth() >= gateway.MaxDataDepth {
		r.wrong(nestedTooDeep)
		return false
	}
	r.token()
	return r.broken == nil
}

// more reports whether another member or element follows. If not, it reads the closing bracket.
func (r *jsonReader) more(bracket jsontext.Kind) bool {
	if r.broken != nil {
		return false
	}
	if r.tokens.PeekKind() == bracket {
		r.token()
		return false
	}
	return true
}

// name reads the name of a member. The result is valid until the next read.
func (r *jsonReader) name() []byte {
	raw := r.value()
	if raw == nil || bytes.IndexByte(raw, '\\') >= 0 {
		unquoted, _ := jsontext.AppendUnquote(nil, raw)
		return unquoted
	}
	return raw[1 : len(raw)-1]
}

// message reads a message; ok is false when it cannot be used.
func (r *jsonReader) message(m *Message) (read protoreflect.Message, ok bool) {
	if r.messages++; r.messages > maxMessages {
		r.wrong(tooMany)
		return nil, false
	}
	if m.special != nil {
		return m.special(r, m)
	}
	if r.tokens.PeekKind() != '{' {
		r.wrong("must be an object")
		return nil, false
	}
	into := newJSONMessage(m)
	r.members(m, into, "")
	return into, true
}

// members reads the members of an object into a message. It skips the member named ignore.
func (r *jsonReader) members(m *Message, into *jsonMessage, ignore string) {
	if !r.enter() {
		return
	}
	here := len(r.path)
	var seen seenFields
	for r.more('}') {
		name := r.name()
		if r.broken != nil {
			return
		}
		f := m.fields[string(name)]
		switch {
		case f != nil:
			r.path = appendField(r.path, f)
			r.member(f, into, &seen)
		case ignore != "" && string(name) == ignore:
			r.skip()
		case r.unknown != nil:
			r.unknown.add(r.path, string(name))
			r.skip()
		default:
			r.path = AppendName(r.path, string(name))
			r.wrong("is not a field of " + string(m.descriptor.FullName()))
		}
		r.path = r.path[:here]
	}
	for _, f := range m.required {
		if r.broken == nil && !seen.fields.has(f.index) {
			r.path = appendField(r.path, f)
			r.fault(isRequired)
			r.path = r.path[:here]
		}
	}
	into.settle()
}

// seenFields holds the fields of a message that were read, and the oneofs that have a field.
type seenFields struct{ fields, oneofs fieldSet }

func (r *jsonReader) member(f *field, into *jsonMessage, seen *seenFields) {
	if !seen.fields.add(f.index) {
		r.wrong("is there twice, under both of its names")
		return
	}
	many := f.value != nil || f.isList
	if r.tokens.PeekKind() == 'n' && (many || !f.holdsNull) {
		if f.descriptor.Cardinality() == protoreflect.Required {
			r.fault(isRequired)
		}
		r.token()
		return
	}
	if f.oneof != nil && seen.oneofs.has(f.oneof.Index()) {
		r.wrong("is set beside " + into.WhichOneof(f.oneof).JSONName() + ", of which only one may be")
		return
	}
	value, ok := r.several(f)
	if !ok {
		return
	}
	into.set(f, value)
	if f.oneof != nil {
		seen.oneofs.add(f.oneof.Index())
	}
}

// several reads the value of a field: a map, a list or a single value.
func (r *jsonReader) several(f *field) (protoreflect.Value, bool) {
	switch {
	case f.value != nil:
		return r.mapOf(f)
	case f.isList:
		return r.list(f)
	default:
		return r.single(f)
	}
}

// single reads a single value: of a field, a list element or a map entry.
func (r *jsonReader) single(f *field) (protoreflect.Value, bool) {
	if f.message == nil {
		return r.scalar(f.descriptor)
	}
	read, ok := r.message(f.message)
	if !ok {
		return protoreflect.Value{}, false
	}
	return protoreflect.ValueOfMessage(read), true
}

func (r *jsonReader) list(f *field) (value protoreflect.Value, ok bool) {
	if r.tokens.PeekKind() != '[' {
		r.wrong("must be an array")
		return value, false
	}
	if !r.enter() {
		return value, false
	}
	into := &jsonList{}
	here := len(r.path)
	for i := 0; r.more(']'); i++ {
		r.path = appendIndex(r.path, i)
		if value, ok := r.element(f); ok {
			into.values = append(into.values, value)
		}
		r.path = r.path[:here]
	}
	return protoreflect.ValueOfList(into), true
}

func (r *jsonReader) element(f *field) (value protoreflect.Value, ok bool) {
	if r.tokens.PeekKind() == 'n' && !f.holdsNull {
		r.wrong("must not be null")
		return value, false
	}
	return r.single(f)
}

func (r *jsonReader) mapOf(f *field) (value protoreflect.Value, ok bool) {
	if r.tokens.PeekKind() != '{' {
		r.wrong("must be an object")
		return value, false
	}
	if !r.enter() {
		return value, false
	}
	into := &jsonMap{field: f}
	here := len(r.path)
	for r.more('}') {
		name := string(r.name())
		if r.broken != nil {
			return value, false
		}
		if key, ok := mapKey(f.descriptor.MapKey(), name); ok {
			r.path = appendKey(r.path, key)
			r.messages++
			if value, ok := r.element(f.value); ok {
				into.pairs = append(into.pairs, pair{key, value})
			}
		} else {
			r.path = appendKey(r.path, protoreflect.ValueOfString(name).MapKey())
			r.wrong("its name must be a " + f.descriptor.MapKey().Kind().String())
		}
		r.path = r.path[:here]
	}
	into.settle()
	return protoreflect.ValueOfMap(into), true
}

// fieldSet is a set of field indices.
type fieldSet struct {
	low  uint64
	high map[int]bool
}

// add adds an index and reports whether it is new.
func (s *fieldSet) add(index int) bool {
	if index < 64 {
		is := s.low&(1<<index) != 0
		s.low |= 1 << index
		return !is
	}
	if s.high == nil {
		s.high = make(map[int]bool)
	}
	is := s.high[index]
	s.high[index] = true
	return !is
}

func (s *fieldSet) has(index int) bool {
	if index < 64 {
		return s.low&(1<<index) != 0
	}
	return s.high[index]
}
