package codec

import (
	"regexp"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Limits of what is reported about the unknown fields of one payload: paths of the first fields only, not many and not long.
// A payload may have a hundred thousand unknown fields under a key of half a megabyte.
const (
	maxIgnored     = 20
	maxIgnoredPath = 200
	// maxIgnoredLooks bounds the fields whose paths are examined. longestLook bounds the length of such a path with its
	// subscripts.
	maxIgnoredLooks = 1000
	longestLook     = 1000
)

// Ignored holds the fields of one payload that were left out because the schema does not have them.
type Ignored struct {
	Paths []string
	Some  bool
	looks int
}

// add records a field that was left out. within is the path of its message.
func (i *Ignored) add(within []byte, name string) {
	i.Some = true
	if len(i.Paths) == maxIgnored || i.looks == maxIgnoredLooks || len(within)+len(name) > longestLook {
		return
	}
	i.looks++
	path := WithoutSubscripts(string(AppendName(slices.Clip(within), name))) // the same for all elements of a list
	if len(path) <= maxIgnoredPath && !slices.Contains(i.Paths, path) {
		i.Paths = append(i.Paths, path)
	}
}

// leaveOut removes the unknown fields of a decoded message and records their numbers.
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

// subscript matches the index of a list or the key of a map.
var subscript = regexp.MustCompile(`\[(?:\d+|-\d+|true|false|"(?:[^"\\]|\\.)*")\]`)

// WithoutSubscripts returns a field path with "[]" for every index and key, so that it is the same for all elements.
func WithoutSubscripts(path string) string { return subscript.ReplaceAllString(path, "[]") }
