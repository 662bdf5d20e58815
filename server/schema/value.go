package schema

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Keys reads from a canonical payload what the type's option names: the value that orders deliveries and the subject of
// an event whose producer gave none. A value is empty when there is no such option, or the field is not set.
func (t *Type) Keys(canonical []byte) (orderingKey, subject string, err error) {
	if t.orderingKey == "" && t.subject == "" {
		return "", "", nil
	}
	payload, err := t.Decode(canonical)
	if err != nil {
		return "", "", err
	}
	if orderingKey, err = valueAt(payload.ProtoReflect(), t.orderingKey); err != nil {
		return "", "", fmt.Errorf("ordering key of %s: %w", t.name, err)
	}
	if subject, err = valueAt(payload.ProtoReflect(), t.subject); err != nil {
		return "", "", fmt.Errorf("subject of %s: %w", t.name, err)
	}
	return orderingKey, subject, nil
}

// OrderingKey is the path of the field whose value orders deliveries.
func (t *Type) OrderingKey() string { return t.orderingKey }

// Subject is the path of the field that becomes the subject of events without one.
func (t *Type) Subject() string { return t.subject }

// valueAt follows a path to a field and answers its value as text.
func valueAt(m protoreflect.Message, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	name, rest, nested := strings.Cut(path, ".")
	field := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil || nested != (field.Message() != nil) || field.Cardinality() == protoreflect.Repeated {
		return "", fmt.Errorf("%s has no field with one value at %q", m.Descriptor().FullName(), path)
	}
	if field.HasPresence() && !m.Has(field) {
		return "", nil
	}
	if nested {
		return valueAt(m.Get(field).Message(), rest)
	}
	return valueText(field, m.Get(field)), nil
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
