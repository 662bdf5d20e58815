package codec

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ValueAt follows a path to a field of an encoded message and returns the value as text. It decodes only the fields on the
// path.
func ValueAt(within protoreflect.MessageDescriptor, encoded []byte, path string) (string, error) {
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
		return ValueAt(field.Message(), raw, rest)
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

// encodedField finds a field, other than a list, in a canonical encoding. For a message it returns the content.
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

// messageContent returns the content of an encoded message without its length or group tags. It returns other values
// unchanged.
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

// valueText returns a scalar as in JSON, without quotes.
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
