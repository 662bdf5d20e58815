package codec

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postrider-dev/postrider/server/schema/compile"
)

// Codec reads and writes payloads of the messages of a set of files.
type Codec struct {
	*compile.Files

	mu       sync.Mutex
	messages map[protoreflect.FullName]*Message
}

// New returns a codec for the messages of files.
func New(files *compile.Files) *Codec {
	return &Codec{Files: files, messages: make(map[protoreflect.FullName]*Message)}
}

// Message returns a message by its full name.
func (c *Codec) Message(name string) (*Message, error) {
	found, err := c.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", name, err)
	}
	descriptor, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is not a message", name)
	}
	return c.prepared(descriptor), nil
}
