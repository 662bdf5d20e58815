package codec

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar reads a value that is not a message.
func (r *jsonReader) scalar(fd protoreflect.FieldDescriptor) (protoreflect.Value, bool) {
	raw := r.value()
	if raw == nil {
		return protoreflect.Value{}, false
	}
	value, fault := parseScalar(fd, raw)
	if fault != "" {
		r.fault(fault)
		return protoreflect.Value{}, false
	}
	return value, true
}

// parseScalar parses the text of a value; fault says why it is not valid.
func parseScalar(fd protoreflect.FieldDescriptor, raw jsontext.Value) (value protoreflect.Value, fault string) {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		if kind := raw.Kind(); kind == 't' || kind == 'f' {
			return protoreflect.ValueOfBool(kind == 't'), ""
		}
		return value, "must be true or false"
	case protoreflect.StringKind:
		if raw.Kind() != '"' {
			return value, "must be a string"
		}
		return protoreflect.ValueOfString(unquote(raw)), ""
	case protoreflect.BytesKind:
		return parseBytes(raw)
	case protoreflect.EnumKind:
		return parseEnum(fd.Enum(), raw)
	default:
		return parseNumber(fd.Kind(), raw)
	}
}

// unquote returns the string that valid JSON text represents.
func unquote(raw jsontext.Value) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	// The text is valid: the decoder has accepted it.
	text, _ := jsontext.AppendUnquote(nil, raw)
	return string(text)
}

// parseBytes parses base64 of either alphabet, with or without padding.
func parseBytes(raw jsontext.Value) (value protoreflect.Value, fault string) {
	if raw.Kind() != '"' {
		return value, "must be a string of base64"
	}
	text := unquote(raw)
	encoding := base64.StdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if len(text)%4 != 0 {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	decoded, err := encoding.DecodeString(text)
	if err != nil {
		return value, "is not base64"
	}
	return protoreflect.ValueOfBytes(decoded), ""
}

func parseEnum(enum protoreflect.EnumDescriptor, raw jsontext.Value) (value protoreflect.Value, fault string) {
	switch raw.Kind() {
	case '"':
		name := unquote(raw)
		if found := enum.Values().ByName(protoreflect.Name(name)); found != nil {
			return protoreflect.ValueOfEnum(found.Number()), ""
		}
		return value, strconv.Quote(name) + " is not a value of " + string(enum.FullName())
	case '0':
		number, err := parseInt(string(raw), 32)
		if err != "" {
			return value, err
		}
		if enum.IsClosed() && enum.Values().ByNumber(protoreflect.EnumNumber(number)) == nil {
			return value, string(raw) + " is not a value of " + string(enum.FullName())
		}
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(number)), ""
	case 'n':
		if enum.FullName() == "google.protobuf.NullValue" {
			return protoreflect.ValueOfEnum(0), ""
		}
	}
	return value, "must be the name of a value of " + string(enum.FullName())
}

// parseNumber parses a number, which may also be written as a string.
func parseNumber(kind protoreflect.Kind, raw jsontext.Value) (value protoreflect.Value, fault string) {
	text := string(raw)
	switch raw.Kind() {
	case '0':
	case '"':
		text = unquote(raw)
		if isNonFinite(text) && isFloat(kind) {
			break
		}
		if number := jsontext.Value(text); number.Kind() != '0' || !number.IsValid() || strings.Trim(text, " \t\r\n") != text {
			return value, "must be a number"
		}
	default:
		return value, "must be a number"
	}
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		n, fault := parseInt(text, 32)
		return protoreflect.ValueOfInt32(int32(n)), fault
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		n, fault := parseInt(text, 64)
		return protoreflect.ValueOfInt64(n), fault
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n, fault := parseUint(text, 32)
		return protoreflect.ValueOfUint32(uint32(n)), fault
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		n, fault := parseUint(text, 64)
		return protoreflect.ValueOfUint64(n), fault
	case protoreflect.FloatKind:
		n, fault := parseFloat(text, 32)
		return protoreflect.ValueOfFloat32(float32(n)), fault
	default:
		n, fault := parseFloat(text, 64)
		return protoreflect.ValueOfFloat64(n), fault
	}
}

func isFloat(kind protoreflect.Kind) bool {
	return kind == protoreflect.FloatKind || kind == protoreflect.DoubleKind
}

func isNonFinite(text string) bool { return text == "NaN" || text == "Infinity" || text == "-Infinity" }

func parseInt(text string, bits int) (int64, string) {
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		if n, err = strconv.ParseInt(plainInteger(text), 10, bits); err != nil {
			return 0, "does not fit: it must be a " + strconv.Itoa(bits) + "-bit integer"
		}
	}
	return n, ""
}

func parseUint(text string, bits int) (uint64, string) {
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		if n, err = strconv.ParseUint(plainInteger(text), 10, bits); err != nil {
			return 0, "does not fit: it must be a " + strconv.Itoa(bits) + "-bit integer, not negative"
		}
	}
	return n, ""
}

// plainInteger rewrites a JSON number such as 1.50e3 as plain digits. It returns "" when the number is not an integer, or
// has more digits than any field can hold.
func plainInteger(text string) string {
	digits, scale, negative := decimal(text)
	if digits == "" {
		return "0"
	}
	if scale < 0 || len(digits)+scale > 20 {
		return ""
	}
	digits += strings.Repeat("0", scale)
	if negative {
		return "-" + digits
	}
	return digits
}

// decimal splits a JSON number: its value is digits × 10^scale. digits neither begins nor ends with 0, and is empty for
// zero. A scale out of range is returned as a large one.
func decimal(text string) (digits string, scale int, negative bool) {
	text, negative = strings.CutPrefix(text, "-")
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		exponent, err := strconv.Atoi(strings.TrimPrefix(text[at+1:], "+"))
		if err != nil || exponent > 1<<20 || exponent < -1<<20 {
			exponent = 1 << 20
			if strings.HasPrefix(text[at+1:], "-") {
				exponent = -exponent
			}
		}
		text, scale = text[:at], exponent
	}
	whole, fraction, _ := strings.Cut(text, ".")
	scale -= len(fraction)
	digits = strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(digits, "0")
	return trimmed, scale + len(digits) - len(trimmed), negative
}

// Limits of the decimal digits of a fraction: the number that distinguishes any two values of the type.
const (
	floatDigits  = 9
	doubleDigits = 17
	// surelyExact is a number of digits: a float holds every integer with that many.
	surelyExact = 7
)

// parseFloat parses a number as a float (32 bits) or double (64). An integer must be represented exactly. A fraction rarely
// is; it may have no more digits than the type can distinguish.
func parseFloat(text string, bits int) (float64, string) {
	if isNonFinite(text) {
		n, _ := strconv.ParseFloat(text, bits)
		return n, ""
	}
	name, most := "double", doubleDigits
	if bits == 32 {
		name, most = "float", floatDigits
	}
	n, err := strconv.ParseFloat(text, bits)
	if err != nil || math.IsInf(n, 0) {
		return 0, "does not fit: it is out of the range of a " + name
	}
	digits, scale, _ := decimal(text)
	if n == 0 && digits != "" {
		return 0, "does not fit: it is out of the range of a " + name
	}
	if scale >= 0 && !isExact(n, digits, scale, bits) || scale < 0 && len(digits) > most {
		return 0, "does not fit: a " + name + " would round it"
	}
	return n, ""
}

// isExact reports whether a float is the integer digits × 10^scale: either their values are equal, or the float is written
// with the same digits, as 1e23 is.
func isExact(n float64, digits string, scale, bits int) bool {
	if len(digits)+scale <= surelyExact {
		return true
	}
	for _, precision := range []int{-1, 0} {
		written, writtenScale, _ := decimal(strconv.FormatFloat(n, 'f', precision, bits))
		if written == digits && writtenScale == scale {
			return true
		}
	}
	return false
}

// mapKey parses the name of a map member. It accepts only one spelling of a number, so that no key occurs twice.
func mapKey(fd protoreflect.FieldDescriptor, name string) (key protoreflect.MapKey, ok bool) {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(name).MapKey(), true
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(name == "true").MapKey(), name == "true" || name == "false"
	}
	value, fault := parseNumber(fd.Kind(), jsontext.Value(name))
	if fault != "" || value.String() != name {
		return protoreflect.MapKey{}, false
	}
	return value.MapKey(), true
}
