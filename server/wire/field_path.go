package wire

import (
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
)

// newFieldPath parses a path such as `event.data.items[2].labels["a.b"]`. Every violation has a path. A part that cannot be
// parsed becomes a name as it is.
func newFieldPath(text string) *validate.FieldPath {
	path := &validate.FieldPath{}
	for text != "" {
		element, rest, ok := cutElement(text)
		if !ok {
			path.Elements = append(path.Elements, &validate.FieldPathElement{FieldName: proto.String(text)})
			break
		}
		path.Elements = append(path.Elements, element)
		text = strings.TrimPrefix(rest, ".")
	}
	return path
}

// cutElement parses a name and at most one subscript at the beginning of a path.
func cutElement(text string) (element *validate.FieldPathElement, rest string, ok bool) {
	end := nameEnd(text)
	element = &validate.FieldPathElement{FieldName: proto.String(text[:end])}
	rest = text[end:]
	if rest == "" || rest[0] == '.' {
		return element, rest, true
	}
	rest = rest[1:]
	if strings.HasPrefix(rest, `"`) {
		return cutStringKey(element, rest)
	}
	key, rest, ok := strings.Cut(rest, "]")
	return element, rest, ok && setKey(element, key)
}

// nameEnd returns the end of the name at the beginning of a path. The name of an extension is in brackets and contains dots.
func nameEnd(text string) int {
	if len(text) > 1 && text[0] == '[' && (text[1] == '_' || 'a' <= text[1]|0x20 && text[1]|0x20 <= 'z') {
		return strings.IndexByte(text, ']') + 1
	}
	if end := strings.IndexAny(text, ".["); end >= 0 {
		return end
	}
	return len(text)
}

func cutStringKey(element *validate.FieldPathElement, text string) (_ *validate.FieldPathElement, rest string, ok bool) {
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return nil, "", false
	}
	key, err := strconv.Unquote(quoted)
	if err != nil {
		return nil, "", false
	}
	element.Subscript = &validate.FieldPathElement_StringKey{StringKey: key}
	rest, ok = strings.CutPrefix(text[len(quoted):], "]")
	return element, rest, ok
}

// setKey sets a subscript without quotes. It cannot tell whether a number is an index or a key.
func setKey(element *validate.FieldPathElement, key string) bool {
	if key == "true" || key == "false" {
		element.Subscript = &validate.FieldPathElement_BoolKey{BoolKey: key == "true"}
		return true
	}
	if index, err := strconv.ParseUint(key, 10, 64); err == nil {
		element.Subscript = &validate.FieldPathElement_Index{Index: index}
		return true
	}
	number, err := strconv.ParseInt(key, 10, 64)
	element.Subscript = &validate.FieldPathElement_IntKey{IntKey: number}
	return err == nil
}
