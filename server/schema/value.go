package schema

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Keys reads from a canonical payload what the type's option names: the value that orders deliveries and the subject of
// an event whose producer gave none. A value is empty when there is no such option, or the field is not set.
func (t *Type) Keys(canonical []byte) (orderingKey, subject string, err error) {
	if t.orderingKey == "" && t.subject == "" {
		return "", "", nil
	}
	descriptor, err := t.Descriptor()
	if err != nil {
		return "", "", err
	}
	if orderingKey, err = valueAt(descriptor, canonical, t.orderingKey); err != nil {
		return "", "", fmt.Errorf("ordering key of %s: %w", t.name, err)
	}
	if subject, err = valueAt(descriptor, canonical, t.subject); err != nil {
		return "", "", fmt.Errorf("subject of %s: %w", t.name, err)
	}
	return orderingKey, subject, nil
}

// OrderingKey is the path of the field whose value orders deliveries.
func (t *Type) OrderingKey() string { return t.orderingKey }

// Subject is the path of the field that becomes the subject of events without one.
func (t *Type) Subject() string { return t.subject }

// valueAt follows a path to a field of an encoded message and returns its value as text. Nothing else is decoded.
func valueAt(within protoreflect.MessageDescriptor, encoded []byte, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	name, rest, nested := strings.Cut(path, ".")
	field := within.Fields().ByName(protoreflect.Name(name))
	if field == nil || nested != (field.Message() != nil) || field.Cardinality() == protoreflect.Repeated {
		return "", fmt.Errorf("%s has no field with one value at %q", within.FullName(), path)
	}
	raw, found, err := encodedField(encoded, field)
	switch {
	case err != nil:
		return "", fmt.Errorf("find %q in a stored %s: %w", path, within.FullName(), err)
	case nested && found:
		return valueAt(field.Message(), raw, rest)
	case !found && field.HasPresence():
		return "", nil
	case !found:
		return valueText(field, field.Default()), nil
	}
	value, length := consumeScalar(field.Kind(), raw)
	if err := protowire.ParseError(length); err != nil {
		return "", fmt.Errorf("read %q in a stored %s: %w", path, within.FullName(), err)
	}
	return valueText(field, value), nil
}

// encodedField finds a field that is no list in a canonical encoding. That of a message is its content.
func encodedField(encoded []byte, field protoreflect.FieldDescriptor) (raw []byte, found bool, err error) {
	for len(encoded) > 0 {
		number, kind, length := protowire.ConsumeTag(encoded)
		if err := protowire.ParseError(length); err != nil {
			return nil, false, err
		}
		encoded = encoded[length:]
		length = protowire.ConsumeFieldValue(number, kind, encoded)
		if err := protowire.ParseError(length); err != nil {
			return nil, false, err
		}
		if number == field.Number() && kind == wireType(field.Kind()) {
			return messageContent(number, kind, field, encoded[:length]), true, nil
		}
		encoded = encoded[length:]
	}
	return nil, false, nil
}

// messageContent takes off what stands around an encoded message; other values stay as they are.
func messageContent(number protowire.Number, kind protowire.Type, field protoreflect.FieldDescriptor, raw []byte) []byte {
	switch {
	case field.Message() == nil:
		return raw
	case kind == protowire.StartGroupType:
		raw, _ = protowire.ConsumeGroup(number, raw)
	default:
		raw, _ = protowire.ConsumeBytes(raw)
	}
	return raw
}

// valueText writes a scalar as JSON has it, without quotes.
func valueText(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch v := value.Interface().(type) {
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case protoreflect.EnumNumber:
		if known := field.Enum().Values().ByNumber(v); known != nil {
			return string(known.Name())
		}
		return strconv.Itoa(int(v))
	default:
		return value.String()
	}
}
