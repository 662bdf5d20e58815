package schema

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postrider-dev/postrider/server/gateway"
)

// special reads the JSON of a well-known type.
type special func(*jsonReader, *message) (protoreflect.Message, bool)

// specialReader answers how a well-known type whose JSON is not an object of its fields is read; nil for any other
// message.
func specialReader(name protoreflect.FullName) special {
	switch name {
	case "google.protobuf.Timestamp":
		return readTimestamp
	case "google.protobuf.Duration", "google.protobuf.FieldMask":
		return readText
	case "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue":
		return readDynamic
	case "google.protobuf.Any":
		return readAny
	case "google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int64Value",
		"google.protobuf.UInt64Value", "google.protobuf.Int32Value", "google.protobuf.UInt32Value",
		"google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue":
		return readWrapper
	default:
		return nil
	}
}

func readTimestamp(r *jsonReader, m *message) (protoreflect.Message, bool) {
	raw := r.value()
	if raw == nil {
		return nil, false
	}
	var at *timestamppb.Timestamp
	if raw.Kind() == '"' {
		at = parseTimestamp(unquote(raw))
	}
	if at == nil {
		r.fault(`must be an RFC 3339 time such as "2024-02-29T12:30:00Z"`)
		return nil, false
	}
	into := dynamicpb.NewMessage(m.descriptor)
	fields := m.descriptor.Fields()
	if at.Seconds != 0 {
		into.Set(fields.ByNumber(1), protoreflect.ValueOfInt64(at.Seconds))
	}
	if at.Nanos != 0 {
		into.Set(fields.ByNumber(2), protoreflect.ValueOfInt32(at.Nanos))
	}
	return into, true
}

// parseTimestamp reads an RFC 3339 time with at most nine digits of the second; nil when it is none.
func parseTimestamp(text string) *timestamppb.Timestamp {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil
	}
	dot, zone := strings.LastIndexByte(text, '.'), strings.LastIndexAny(text, "Z-+")
	if dot >= 0 && zone-dot > len(".999999999") {
		return nil
	}
	if stamp := timestamppb.New(at); stamp.IsValid() {
		return stamp
	}
	return nil
}

func readWrapper(r *jsonReader, m *message) (protoreflect.Message, bool) {
	fd := m.descriptor.Fields().ByNumber(1)
	value, ok := r.scalar(fd)
	if !ok {
		return nil, false
	}
	into := dynamicpb.NewMessage(m.descriptor)
	into.Set(fd, value)
	return into, true
}

// readText reads a type that is a string in JSON.
func readText(r *jsonReader, m *message) (protoreflect.Message, bool) {
	raw := r.value()
	if raw == nil {
		return nil, false
	}
	return r.delegate(m, raw)
}

// readDynamic reads a type that holds any JSON. Its numbers are doubles.
func readDynamic(r *jsonReader, m *message) (protoreflect.Message, bool) {
	depth := r.tokens.StackDepth()
	raw := r.value()
	if raw == nil {
		return nil, false
	}
	return r.checkAndDelegate(m, raw, depth)
}

func (r *jsonReader) checkAndDelegate(m *message, raw jsontext.Value, depth int) (protoreflect.Message, bool) {
	if fault := dynamicFault(raw, r.depth+depth); fault != "" {
		r.fault(fault)
		return nil, false
	}
	return r.delegate(m, raw)
}

// dynamicFault looks for a number that a double would round, and for too deep a nesting. The text is valid.
func dynamicFault(raw jsontext.Value, depth int) string {
	decoder := jsontext.NewDecoder(strings.NewReader(string(raw)))
	for {
		switch decoder.PeekKind() {
		case 0:
			return ""
		case '0':
			number, _ := decoder.ReadValue()
			if _, fault := parseFloat(string(number), 64); fault != "" {
				return "holds a number that " + fault
			}
		default:
			if _, err := decoder.ReadToken(); err != nil {
				return ""
			}
		}
		if depth+decoder.StackDepth() > gateway.MaxDataDepth {
			return "is nested more than " + strconv.Itoa(gateway.MaxDataDepth) + " deep"
		}
	}
}

func (r *jsonReader) delegate(m *message, raw jsontext.Value) (protoreflect.Message, bool) {
	into := dynamicpb.NewMessage(m.descriptor)
	if err := (protojson.UnmarshalOptions{Resolver: m.bundle.types}).Unmarshal(raw, into); err != nil {
		r.fault("is not a " + string(m.descriptor.FullName()))
		return nil, false
	}
	return into, true
}

// readAny reads a message of the type that its @type names.
func readAny(r *jsonReader, m *message) (protoreflect.Message, bool) {
	if r.tokens.PeekKind() != '{' {
		r.wrong("must be an object")
		return nil, false
	}
	depth := r.tokens.StackDepth()
	raw := r.value()
	if raw == nil {
		return nil, false
	}
	into := dynamicpb.NewMessage(m.descriptor)
	url, found := anyType(raw)
	if !found {
		if string(raw) != "{}" {
			r.fault(`needs a member "@type"`)
		}
		return into, string(raw) == "{}"
	}
	kind, err := m.bundle.types.FindMessageByURL(url)
	if err != nil {
		r.fault("its @type " + strconv.Quote(url) + " is not known")
		return nil, false
	}
	inner := m.bundle.prepared(kind.Descriptor())
	if inner.special != nil {
		return r.checkAndDelegate(m, raw, depth)
	}
	content, ok := r.anyContent(inner, raw, depth)
	if !ok {
		return nil, false
	}
	into.Set(m.descriptor.Fields().ByNumber(1), protoreflect.ValueOfString(url))
	into.Set(m.descriptor.Fields().ByNumber(2), protoreflect.ValueOfBytes(content))
	return into, true
}

// anyContent reads the members beside @type and encodes the message that they are.
func (r *jsonReader) anyContent(inner *message, raw jsontext.Value, depth int) ([]byte, bool) {
	within := &jsonReader{}
	within.begin(raw, string(r.path))
	within.violations, within.depth = r.violations, r.depth+depth
	into := dynamicpb.NewMessage(inner.descriptor)
	within.members(inner, into, "@type")
	faults := len(r.violations)
	r.violations = within.violations
	if len(r.violations) > faults {
		return nil, false
	}
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(into)
	if err != nil {
		r.fault(trimProto(err.Error()))
		return nil, false
	}
	return content, true
}

// anyType finds the member @type.
func anyType(raw jsontext.Value) (url string, found bool) {
	decoder := jsontext.NewDecoder(strings.NewReader(string(raw)))
	// The text is valid.
	_, _ = decoder.ReadToken()
	for decoder.PeekKind() == '"' {
		name, _ := decoder.ReadToken()
		if name.String() == "@type" && decoder.PeekKind() == '"' {
			value, _ := decoder.ReadToken()
			return value.String(), true
		}
		_ = decoder.SkipValue()
	}
	return "", false
}

// encodedFault says what is wrong with an encoded well-known type: what has no JSON could not be shown to anyone.
func encodedFault(types resolver, m protoreflect.Message) string {
	if _, err := (protojson.MarshalOptions{Resolver: types}).Marshal(m.Interface()); err != nil {
		return trimProto(err.Error())
	}
	return ""
}
