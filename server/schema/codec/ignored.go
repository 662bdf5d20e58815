package codec

import (
	"regexp"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// What is reported of one payload's unknown fields: paths that are neither many nor long, of the first fields only. A payload
// may have a hundred thousand of them under a key of half a megabyte.
const (
	maxIgnored     = 20
	maxIgnoredPath = 200
	// maxIgnoredLooks bounds the fields whose paths are looked at, longestLook such a path with the subscripts in it.
	maxIgnoredLooks = 1000
	longestLook     = 1000
)

// Ignored are the fields of one payload that were left out since the schema does not have them.
type Ignored struct {
	Paths []string
	Some  bool
	looks int
}

// add records a field that was left out of the message at a path.
func (i *Ignored) add(within []byte, name string) {
	i.Some = true
	if len(i.Paths) == maxIgnored || i.looks == maxIgnoredLooks || len(within)+len(name) > longestLook {
		return
	}
	i.looks++
	path := WithoutSubscripts(string(AppendName(slices.Clip(within), name))) // The same for all entries of a list.
	if len(path) <= maxIgnoredPath && !slices.Contains(i.Paths, path) {
		i.Paths = append(i.Paths, path)
	}
}

// leaveOut takes the unknown fields out of an encoded message and notes their numbers.
func (i *Ignored) leaveOut(path []byte, payload protoreflect.Message) {
	for raw := payload.GetUnknown(); len(raw) > 0; {
		number, _, length := protowire.ConsumeField(raw)
		if length < 0 {
			break
		}
		raw = raw[length:]
		i.add(path, strconv.Itoa(int(number)))
	}
	payload.SetUnknown(nil)
}

// subscript is an index of a list or a key of a map.
var subscript = regexp.MustCompile(`\[(?:\d+|-\d+|true|false|"(?:[^"\\]|\\.)*")\]`)

// WithoutSubscripts writes the path of a field with "[]" for every index and key: it is the same for all elements.
func WithoutSubscripts(path string) string { return subscript.ReplaceAllString(path, "[]") }
