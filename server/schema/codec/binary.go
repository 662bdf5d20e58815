package codec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/compile"
)

// decodeDepth bounds the nesting of encoded messages. One JSON object or array takes up to three levels in a
// google.protobuf.Struct.
const decodeDepth = 3 * gateway.MaxDataDepth

// readBinary reads an encoded message. It refuses everything that has no exact JSON form: fields that the schema does not
// have, unknown numbers of closed enums, text that is not UTF-8, and values of well-known types without a JSON form.
func (m *Message) readBinary(encoded []byte, unknown *Ignored) (proto.Message, []gateway.Violation, error) {
	if m.leftAfter(encoded, maxMessages, decodeDepth) < 0 {
		return nil, []gateway.Violation{{Field: DataField, Message: tooMany}}, nil
	}
	payload := dynamicpb.NewMessage(m.descriptor)
	if err := m.codec.decode(encoded, payload); err != nil {
		return nil, []gateway.Violation{{Field: DataField, Message: undecodable(m.descriptor, err)}}, nil
	}
	walk := encodedWalk{path: []byte(DataField), ignore: unknown}
	walk.message(m, payload, 0)
	// The runtime visits fields in no particular order.
	slices.SortStableFunc(walk.violations, func(a, b gateway.Violation) int { return cmp.Compare(a.Field, b.Field) })
	return payload, walk.violations, nil
}

// decode decodes a message. It does not check that required fields are present.
func (c *Codec) decode(encoded []byte, into proto.Message) (err error) {
	// The runtime panics when a map entry has its key twice and the second one is encoded as another kind of value.
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("cannot parse invalid wire-format data: %v", fault)
		}
	}()
	return proto.UnmarshalOptions{AllowPartial: true, Resolver: c.Payloads, RecursionLimit: decodeDepth}.Unmarshal(encoded, into)
}

func undecodable(descriptor protoreflect.MessageDescriptor, err error) string {
	return fmt.Sprintf("is not a valid %s: %s", descriptor.FullName(), compile.TrimProto(err.Error()))
}

// leftAfter counts the messages in an encoding before any is allocated. It returns how many more are allowed, a negative
// number if there are too many. If the encoding is invalid, it counts what comes before the fault.
func (m *Message) leftAfter(encoded []byte, left, depth int) int {
	for len(encoded) > 0 && left >= 0 && depth > 0 {
		number, kind, length := protowire.ConsumeTag(encoded)
		if length < 0 {
			return left
		}
		size := protowire.ConsumeFieldValue(number, kind, encoded[length:])
		if size < 0 {
			return left
		}
		value := encoded[length : length+size]
		encoded = encoded[length+size:]
		f := m.numbers[number]
		if f == nil || f.content == nil {
			continue
		}
		switch kind {
		case protowire.BytesType:
			content, _ := protowire.ConsumeBytes(value)
			left = f.content.leftAfter(content, left-1, depth-1)
		case protowire.StartGroupType:
			content, _ := protowire.ConsumeGroup(number, value)
			left = f.content.leftAfter(content, left-1, depth-1)
		}
	}
	return left
}

// encodedWalk checks a message that was decoded.
type encodedWalk struct {
	path       []byte
	violations []gateway.Violation
	// ignore collects the fields that the schema does not have. If it is nil, such fields are faults.
	ignore *Ignored
}

func (w *encodedWalk) fault(message string) {
	if len(w.violations) < MaxViolations {
		w.violations = append(w.violations, gateway.Violation{Field: cutText(w.path), Message: message})
	}
}

// message checks a message whose JSON form is nested in depth objects and arrays.
func (w *encodedWalk) message(m *Message, payload protoreflect.Message, depth int) {
	w.unknown(m, payload)
	if m.special != nil {
		w.wellKnown(m, payload, depth)
		return
	}
	if depth++; w.tooDeep(depth) {
		return
	}
	here := len(w.path)
	for _, f := range m.required {
		if !payload.Has(f.descriptor) {
			w.path = appendField(w.path, f)
			w.fault(isRequired)
			w.path = w.path[:here]
		}
	}
	payload.Range(func(fd protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if f := m.numbers[fd.Number()]; f.looked {
			w.path = appendField(w.path, f)
			w.field(f, value, depth)
			w.path = w.path[:here]
		}
		return len(w.violations) < MaxViolations
	})
}

func (w *encodedWalk) tooDeep(depth int) bool {
	if depth > gateway.MaxDataDepth {
		w.fault(nestedTooDeep)
	}
	return depth > gateway.MaxDataDepth
}

// unknown reports the fields of a message that its schema does not have.
func (w *encodedWalk) unknown(m *Message, payload protoreflect.Message) {
	if w.ignore != nil && len(payload.GetUnknown()) > 0 {
		w.ignore.leaveOut(w.path, payload)
		return
	}
	told := make(map[protowire.Number]bool)
	for raw := payload.GetUnknown(); len(raw) > 0; {
		number, _, length := protowire.ConsumeField(raw)
		if length < 0 {
			return
		}
		if raw = raw[length:]; !told[number] {
			told[number] = true
			w.fault(fmt.Sprintf("field number %d is not in %s", number, m.descriptor.FullName()))
		}
	}
}

// field checks the value of a field: a single one, a list or a map.
func (w *encodedWalk) field(f *field, value protoreflect.Value, depth int) {
	switch here := len(w.path); {
	case f.descriptor.IsMap():
		if w.tooDeep(depth + 1) {
			return
		}
		value.Map().Range(func(key protoreflect.MapKey, one protoreflect.Value) bool {
			w.path = appendKey(w.path, key)
			if text, ok := key.Interface().(string); ok && !utf8.ValidString(text) {
				w.fault("its name is not valid UTF-8")
			}
			w.single(f.value, one, depth+1)
			w.path = w.path[:here]
			return len(w.violations) < MaxViolations
		})
	case f.descriptor.IsList():
		if w.tooDeep(depth + 1) {
			return
		}
		for i := range value.List().Len() {
			w.path = appendIndex(w.path, i)
			w.single(f, value.List().Get(i), depth+1)
			w.path = w.path[:here]
		}
	default:
		w.single(f, value, depth)
	}
}

func (w *encodedWalk) single(f *field, value protoreflect.Value, depth int) {
	switch {
	case f.message != nil:
		w.message(f.message, value.Message(), depth)
	case f.descriptor.Kind() == protoreflect.StringKind:
		if !utf8.ValidString(value.String()) {
			w.fault("is not valid UTF-8")
		}
	case f.descriptor.Kind() == protoreflect.EnumKind:
		enum := f.descriptor.Enum()
		if enum.IsClosed() && enum.Values().ByNumber(value.Enum()) == nil {
			w.fault(strconv.Itoa(int(value.Enum())) + " is not a value of " + string(enum.FullName()))
		}
	}
}

// wellKnown checks a well-known type, whose JSON form is not an object of its fields.
func (w *encodedWalk) wellKnown(m *Message, payload protoreflect.Message, depth int) {
	if m.descriptor.FullName() == anyName {
		if !w.tooDeep(depth + 1) {
			w.anyMessage(m, payload, depth)
		}
		return
	}
	if holdsUnknown(payload) {
		w.fault("holds a field that is not in " + string(m.descriptor.FullName()))
		return
	}
	if fault := m.wellKnownFault(payload, depth); fault != "" {
		w.fault(fault)
	}
}

// holdsUnknown reports whether a message, or one inside it, has a field that the schema does not have.
func holdsUnknown(m protoreflect.Message) (found bool) {
	m.Range(func(fd protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case fd.IsMap() && fd.MapValue().Message() != nil:
			value.Map().Range(func(_ protoreflect.MapKey, one protoreflect.Value) bool {
				found = len(one.Message().GetUnknown()) > 0 || holdsUnknown(one.Message())
				return !found
			})
		case fd.IsList() && fd.Message() != nil:
			for i := 0; i < value.List().Len() && !found; i++ {
				one := value.List().Get(i).Message()
				found = len(one.GetUnknown()) > 0 || holdsUnknown(one)
			}
		case fd.Message() != nil && !fd.IsMap():
			found = len(value.Message().GetUnknown()) > 0 || holdsUnknown(value.Message())
		}
		return !found
	})
	return found
}
