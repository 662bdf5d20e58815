package codec

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// AppendName appends the name of a member to a field path: "event.data" and "total" make "event.data.total". It quotes a
// name that could be misread: `event.data["a.b"]`.
func AppendName(path []byte, name string) []byte {
	if name == "" || strings.ContainsAny(name, `.[]"`) {
		path = append(path, '[')
		path = strconv.AppendQuote(path, name)
		return append(path, ']')
	}
	if len(path) > 0 {
		path = append(path, '.')
	}
	return append(path, name...)
}

// maxViolationText bounds the path and the message of a violation, in bytes. The key of a map may be as long as the payload,
// and is part of the paths of all violations below it.
const maxViolationText = 1000

// cutText removes the middle of a text that is too long for a violation.
func cutText[T string | []byte](text T) string {
	if len(text) <= maxViolationText {
		return string(text)
	}
	begin, end := text[:maxViolationText/2], text[len(text)-maxViolationText/2:]
	return strings.ToValidUTF8(string(begin), "") + "…" + strings.ToValidUTF8(string(end), "")
}

// PointerPath converts a JSON pointer below a path to a field path: "/items/2" below "event.data" is "event.data.items[2]".
func PointerPath(path string, pointer jsontext.Pointer) string {
	written := []byte(path)
	for token := range pointer.Tokens() {
		if token != "" && strings.Trim(token, "0123456789") == "" {
			written = append(written, '[')
			written = append(written, token...)
			written = append(written, ']')
			continue
		}
		written = AppendName(written, token)
	}
	return string(written)
}

// SyntaxError returns the error for a text that is not valid JSON, from the decoder's error. root is the path of the whole
// text in the request, which is used when the fault is not in a field.
func SyntaxError(root string, text []byte, err error) *gateway.Error {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
		field := PointerPath(strings.TrimPrefix(root, "request"), syntax.JSONPointer)
		if field == "" {
			field = root
		}
		return malformed(cutText(field), syntaxCause(err)+", "+PlaceOf(text, syntax.ByteOffset))
	}
	return malformed(root, "is cut off: it ends inside the JSON text")
}

func malformed(field, cause string) *gateway.Error {
	e := gateway.FieldError(field, "%s", cause)
	e.Reason = gateway.ReasonMalformedRequest
	return e
}

func syntaxCause(err error) string {
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "is there twice"
	case strings.Contains(err.Error(), "invalid UTF-8"):
		return "is not valid UTF-8"
	case strings.Contains(err.Error(), "exceeded max depth"):
		return "is nested too deeply"
	case strings.Contains(err.Error(), "surrogate"):
		return "holds half a surrogate pair"
	default:
		return "is not valid JSON"
	}
}

// PlaceOf describes the place of an offset in a text, for people.
func PlaceOf(text []byte, offset int64) string {
	before := text[:min(int(offset), len(text))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return "at line " + strconv.Itoa(line) + ", column " + strconv.Itoa(column)
}

// appendField appends the name of a field. The name of an extension is in brackets: "event.data.[shop.v1.rush]".
func appendField(path []byte, f *field) []byte { return append(path, f.step...) }

func stepTo(descriptor protoreflect.FieldDescriptor) []byte {
	if descriptor.IsExtension() {
		return append([]byte{'.'}, descriptor.JSONName()...)
	}
	// Every field path has a first part before the field.
	return AppendName([]byte("."), descriptor.JSONName())[1:]
}

func appendIndex(path []byte, i int) []byte {
	path = append(path, '[')
	path = strconv.AppendInt(path, int64(i), 10)
	return append(path, ']')
}

// appendKey appends the key of a map; text is quoted.
func appendKey(path []byte, key protoreflect.MapKey) []byte {
	path = append(path, '[')
	if text, ok := key.Interface().(string); ok {
		path = strconv.AppendQuote(path, text)
	} else {
		path = append(path, key.String()...)
	}
	return append(path, ']')
}
