package codec

import (
	"bytes"
	"math"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postrider-dev/postrider/server/gateway"
)

// special reads the JSON form of a well-known type.
type special func(*jsonReader, *Message) (protoreflect.Message, bool)

// specialReader returns the reader for a well-known type whose JSON form is not an object of its fields; nil for any other
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

func readTimestamp(r *jsonReader, m *Message) (protoreflect.Message, bool) {
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
	into := newJSONMessage(m)
	into.set(m.numbers[1], protoreflect.ValueOfInt64(at.Seconds))
	into.set(m.numbers[2], protoreflect.ValueOfInt32(at.Nanos))
	return into, true
}

// parseTimestamp parses a time; nil when it is not valid.
func parseTimestamp(text string) *timestamppb.Timestamp {
	at, ok := gateway.ParseTime(text)
	if !ok {
		return nil
	}
	return timestamppb.New(at)
}

func readWrapper(r *jsonReader, m *Message) (protoreflect.Message, bool) {
	f := m.numbers[1]
	value, ok := r.scalar(f.descriptor)
	if !ok {
		return nil, false
	}
	into := newJSONMessage(m)
	into.set(f, value)
	return into, true
}

// readText reads a type whose JSON form is a string.
func readText(r *jsonReader, m *Message) (protoreflect.Message, bool) {
	raw := r.value()
	if raw == nil {
		return nil, false
	}
	return r.delegate(m, raw)
}

// readDynamic reads a type that holds any JSON. Its numbers are doubles.
func readDynamic(r *jsonReader, m *Message) (protoreflect.Message, bool) {
	depth := r.tokens.StackDepth()
	raw := r.value()
	if raw == nil {
		return nil, false
	}
	tokens, fault := dynamicFault(raw, r.depth+depth)
	if r.messages += tokens; fault == "" && r.messages > maxMessages {
		fault = tooMany
	}
	if fault != "" {
		r.fault(fault)
		return nil, false
	}
	return r.delegate(m, raw)
}

// dynamicFault looks for numbers that a double would round, and for nesting that is too deep. It counts the tokens, because
// each becomes about one message. The text is valid JSON.
func dynamicFault(raw jsontext.Value, depth int) (tokens int, fault string) {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw))
	for ; ; tokens++ {
		switch decoder.PeekKind() {
		case 0:
			return tokens, ""
		case '0':
			number, _ := decoder.ReadValue()
			if _, fault := parseFloat(string(number), 64); fault != "" {
				return tokens, "holds a number that " + fault
			}
		default:
			if _, err := decoder.ReadToken(); err != nil {
				return tokens, ""
			}
		}
		if depth+decoder.StackDepth() > gateway.MaxDataDepth {
			return tokens, nestedTooDeep
		}
	}
}

func (r *jsonReader) delegate(m *Message, raw jsontext.Value) (protoreflect.Message, bool) {
	into := dynamicpb.NewMessage(m.descriptor)
	if err := protojson.Unmarshal(raw, into); err != nil {
		r.fault("is not a " + string(m.descriptor.FullName()))
		return nil, false
	}
	return into, true
}

// Limits of google.protobuf.Timestamp (the years 1 to 9999) and Duration (about 10,000 years), in seconds and nanoseconds.
const (
	firstSecond, lastSecond = -62135596800, 253402300799
	longestSeconds          = 315576000000
	lastNano                = 999999999
)

// wellKnownFault returns why a well-known type other than Any has no JSON form; empty when it has one.
func (m *Message) wellKnownFault(payload protoreflect.Message, depth int) string {
	fits := true
	switch m.descriptor.FullName() {
	case "google.protobuf.Timestamp":
		seconds, nanos := m.secondsAndNanos(payload)
		fits = firstSecond <= seconds && seconds <= lastSecond && 0 <= nanos && nanos <= lastNano
	case "google.protobuf.Duration":
		seconds, nanos := m.secondsAndNanos(payload)
		fits = max(seconds, -seconds) <= longestSeconds && seconds != math.MinInt64 && max(nanos, -nanos) <= lastNano &&
			(seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0))
	case "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.FieldMask":
		text, err := protojson.Marshal(payload.Interface())
		if fits = err == nil; fits {
			_, fault := dynamicFault(text, depth)
			return fault
		}
	}
	if !fits {
		return "is not a " + string(m.descriptor.FullName()) + " that has a JSON form"
	}
	return ""
}

func (m *Message) secondsAndNanos(payload protoreflect.Message) (seconds, nanos int64) {
	return payload.Get(m.numbers[1].descriptor).Int(), payload.Get(m.numbers[2].descriptor).Int()
}
