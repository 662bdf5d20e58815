package codec

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Names of google.protobuf.Any: its fields, and the JSON member that holds a well-known type.
const (
	anyName   = "google.protobuf.Any"
	anyURL    = 1
	anyValue  = 2
	anyMember = "value"
	anyType   = "@type"
)

// anyMessage returns the message that the type URL of an Any names. fault says why there is none.
func (c *Codec) anyMessage(url string) (inner *Message, fault string) {
	if url == "" {
		return nil, "has a value and no type"
	}
	kind, err := c.Payloads.FindMessageByURL(url)
	if err != nil || kind.Descriptor().IsMapEntry() {
		return nil, "its " + anyType + " " + strconv.Quote(url) + " is not known"
	}
	return c.prepared(kind.Descriptor()), ""
}

// readAny reads an Any, whose @type names the message inside.
func readAny(r *jsonReader, m *Message) (protoreflect.Message, bool) {
	if r.tokens.PeekKind() != '{' {
		r.wrong("must be an object")
		return nil, false
	}
	depth := r.tokens.StackDepth()
	raw := r.value()
	if raw == nil {
		return nil, false
	}
	into := newJSONMessage(m)
	url, empty := typeOfAny(raw)
	if empty {
		return into, true
	}
	if url == "" {
		r.fault("needs a member " + strconv.Quote(anyType))
		return nil, false
	}
	inner, fault := m.codec.anyMessage(url)
	if fault != "" {
		r.fault(fault)
		return nil, false
	}
	content, ok := r.anyContent(inner, raw, depth)
	if !ok {
		return nil, false
	}
	into.set(m.numbers[anyURL], protoreflect.ValueOfString(url))
	into.set(m.numbers[anyValue], protoreflect.ValueOfBytes(content))
	return into, true
}

// anyContent reads the members beside @type as a message and encodes it.
func (r *jsonReader) anyContent(inner *Message, raw jsontext.Value, depth int) ([]byte, bool) {
	within := &jsonReader{}
	within.begin(raw, string(r.path))
	within.violations, within.depth, within.messages, within.unknown = r.violations, r.depth+depth, r.messages, r.unknown
	content := newJSONMessage(inner)
	var into protoreflect.Message = content
	if inner.special == nil && inner.descriptor.FullName() != "google.protobuf.Empty" {
		within.members(inner, content, anyType)
	} else if read := within.anyMember(inner); read != nil {
		into = read
	}
	faults := len(r.violations)
	r.violations, r.messages = within.violations, within.messages
	if len(r.violations) > faults || faults == MaxViolations {
		return nil, false
	}
	return inner.encode(into), true
}

// anyMember reads a well-known type, which is a single member of the Any. For google.protobuf.Empty the member may be
// absent.
func (r *jsonReader) anyMember(inner *Message) (read protoreflect.Message) {
	if !r.enter() {
		return nil
	}
	here, found := len(r.path), inner.special == nil
	for r.more('}') {
		switch name := string(r.name()); name {
		case anyType:
			r.skip()
		case anyMember:
			found = true
			r.path = AppendName(r.path, name)
			read, _ = r.message(inner)
		default:
			r.path = AppendName(r.path, name)
			r.wrong("is not a member of a " + string(inner.descriptor.FullName()) + " in a " + anyName)
		}
		r.path = r.path[:here]
	}
	if !found {
		r.path = AppendName(r.path, anyMember)
		r.fault(isRequired)
		r.path = r.path[:here]
	}
	return read
}

// typeOfAny finds the member @type of a valid JSON object. empty means that the object has no members.
func typeOfAny(raw jsontext.Value) (url string, empty bool) {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw))
	_, _ = decoder.ReadToken()
	if decoder.PeekKind() == '}' {
		return "", true
	}
	for decoder.PeekKind() == '"' {
		name, _ := decoder.ReadToken()
		if name.String() == anyType && decoder.PeekKind() == '"' {
			value, _ := decoder.ReadToken()
			return value.String(), false
		}
		_ = decoder.SkipValue()
	}
	return "", false
}

// anyMessage checks the message inside an Any and replaces it with its canonical encoding. That is the encoding that the Any
// would have if a reader published its JSON form again.
func (w *encodedWalk) anyMessage(m *Message, payload protoreflect.Message, depth int) {
	fields := m.descriptor.Fields()
	url, content := payload.Get(fields.ByNumber(anyURL)).String(), payload.Get(fields.ByNumber(anyValue)).Bytes()
	if url == "" && len(content) == 0 {
		return
	}
	inner, fault := m.codec.anyMessage(url)
	if fault != "" {
		w.fault(fault)
		return
	}
	if inner.leftAfter(content, maxMessages, decodeDepth) < 0 {
		w.fault(tooMany)
		return
	}
	into := dynamicpb.NewMessage(inner.descriptor)
	if err := m.codec.decode(content, into); err != nil {
		w.fault(undecodable(inner.descriptor, err))
		return
	}
	here, faults := len(w.path), len(w.violations)
	if inner.special != nil {
		w.path = AppendName(w.path, anyMember)
		depth++
	}
	w.message(inner, into, depth)
	w.path = w.path[:here]
	if len(w.violations) > faults {
		return
	}
	if canonical := inner.encode(into); !bytes.Equal(canonical, content) {
		payload.Set(fields.ByNumber(anyValue), protoreflect.ValueOfBytes(canonical))
	}
}
