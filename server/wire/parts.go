package wire

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/gateway"
)

// A part is an element of a list or a map, or anything else that takes memory of its own: about a hundred bytes, while the
// message may have it in two. A message may have freeParts, and one more for every bytesPerPart of its size. So the decoded
// message takes at most a few times its size.
const (
	freeParts    = 8192
	bytesPerPart = 12
	// leastPart is the size of the smallest part.
	leastPart = 2
)

// checkParts refuses a message with too many parts before it is decoded. Short messages cannot have too many.
func checkParts(data []byte, count func([]byte) int) *gateway.Error {
	if len(data) <= freeParts*leastPart {
		return nil
	}
	most := freeParts + len(data)/bytesPerPart
	if n := count(data); n > most {
		return tooLarge(fmt.Sprintf("has %d elements in %d bytes, the limit is %d; send fewer at a time, or a payload as JSON text",
			n, len(data), most))
	}
	return nil
}

// jsonParts counts the elements of a JSON text: every element but the first of its list or object follows a comma.
func jsonParts(data []byte) (parts int) {
	inText := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case !inText && (c == ',' || c == '[' || c == '{'):
			parts++
		}
	}
	return parts
}

// layout has the fields of a message that contain parts.
type layout struct {
	// fields are by number; nil if there is nothing to count.
	fields []*layoutField
}

type layoutField struct {
	// many fields are lists and maps.
	many bool
	// message is the layout of the field's message; nil if it is no message.
	message *layout
}

// layouts caches the layouts of request messages.
var layouts sync.Map

func layoutOf(descriptor protoreflect.MessageDescriptor) *layout {
	if known, ok := layouts.Load(descriptor.FullName()); ok {
		return known.(*layout)
	}
	made := newLayout(descriptor, map[protoreflect.FullName]*layout{})
	layouts.Store(descriptor.FullName(), made)
	return made
}

// newLayout computes a layout. For recursive messages, made has the layouts that are already computed.
func newLayout(descriptor protoreflect.MessageDescriptor, made map[protoreflect.FullName]*layout) *layout {
	if known := made[descriptor.FullName()]; known != nil {
		return known
	}
	l := &layout{}
	made[descriptor.FullName()] = l
	for i := range descriptor.Fields().Len() {
		field := descriptor.Fields().Get(i)
		if !field.IsList() && !field.IsMap() && field.Message() == nil {
			continue
		}
		for int(field.Number()) >= len(l.fields) {
			l.fields = append(l.fields, nil)
		}
		one := &layoutField{many: field.IsList() || field.IsMap()}
		if field.Message() != nil {
			one.message = newLayout(field.Message(), made)
		}
		l.fields[field.Number()] = one
	}
	return l
}

// protoParts counts the parts of an encoded message.
func protoParts(message proto.Message) func([]byte) int {
	l := layoutOf(message.ProtoReflect().Descriptor())
	return func(data []byte) int { return l.count(data, 0) }
}

// maxLevels limits the depth of counting. The decoder refuses messages that are nested deeper.
const maxLevels = 10_000

// count stops at malformed data; the decoder reports that better.
func (l *layout) count(data []byte, level int) (parts int) {
	for len(data) > 0 && level < maxLevels {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return parts
		}
		value := data[n:]
		size := protowire.ConsumeFieldValue(number, kind, value)
		if size < 0 {
			return parts
		}
		if int(number) < len(l.fields) && l.fields[number] != nil {
			parts += l.fields[number].count(kind, value[:size], level)
		}
		data = value[size:]
	}
	return parts
}

func (f *layoutField) count(kind protowire.Type, value []byte, level int) (parts int) {
	if f.many {
		parts = 1
	}
	if kind != protowire.BytesType {
		return parts
	}
	held, n := protowire.ConsumeBytes(value)
	if n < 0 {
		return parts
	}
	if f.message == nil {
		return parts // Packed numbers grow to eight times their size at most, without being counted.
	}
	return parts + f.message.count(held, level+1)
}
