package wire

import (
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
)

// newFieldPath reads a path such as `event.data.items[2].labels["a.b"]`. Every violation has one: what cannot be read
// becomes a name as it stands.
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

// cutElement reads a name and at most one subscript off the beginning of a path.
func cutElement(text string) (element *validate.FieldPathElement, rest string, ok bool) {
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		return &validate.FieldPathElement{FieldName: proto.String(text)}, "", true
	}
	element = &validate.FieldPathElement{FieldName: proto.String(text[:end])}
	rest = text[end:]
	if rest[0] == '.' {
		return element, rest, true
	}
	rest = rest[1:]
	if strings.HasPrefix(rest, `"`) {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, "", false
		}
		key, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, "", false
		}
		element.Subscript = &validate.FieldPathElement_StringKey{StringKey: key}
		rest, ok = strings.CutPrefix(rest[len(quoted):], "]")
		return element, rest, ok
	}
	number, rest, ok := strings.Cut(rest, "]")
	index, err := strconv.ParseUint(number, 10, 64)
	element.Subscript = &validate.FieldPathElement_Index{Index: index}
	return element, rest, ok && err == nil
}
