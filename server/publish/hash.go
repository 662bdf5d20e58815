package publish

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/codec"
)

// Prefixes of the hashed content: the version of the layout, and the kind of the last part.
const (
	hashUntyped = "\x01u"
	hashTyped   = "\x01t"
)

var hashBuffers = sync.Pool{New: func() any { return new([]byte) }}

// typedHash returns the hash of an event with a canonical encoding in its schema version.
func typedHash(draft *gateway.Draft, canonical []byte) gateway.ContentHash {
	hash, _ := contentHash(hashTyped, draft, func(dst []byte) ([]byte, error) { return append(dst, canonical...), nil })
	return hash
}

// untypedHash checks a JSON payload and returns the hash of its event.
func untypedHash(draft *gateway.Draft) (gateway.ContentHash, error) {
	return contentHash(hashUntyped, draft, func(dst []byte) ([]byte, error) {
		return codec.AppendCanonical(dst, jsonText(draft))
	})
}

// contentHash covers what the producer supplied, and nothing that the server fills in. Each part except the last is preceded
// by its length, so that different contents never yield the same bytes.
func contentHash(
	layout string, draft *gateway.Draft, appendData func([]byte) ([]byte, error),
) (hash gateway.ContentHash, err error) {
	buffer := hashBuffers.Get().(*[]byte)
	defer hashBuffers.Put(buffer)
	content := append((*buffer)[:0], layout...)
	for _, part := range []string{draft.Type, draft.Source, draft.Subject} {
		content = binary.AppendUvarint(content, uint64(len(part)))
		content = append(content, part...)
	}
	content = appendTime(content, draft)
	// The ordering key, which no event has at this point.
	content = binary.AppendUvarint(content, 0)
	content, err = appendData(content)
	if err != nil {
		return hash, err
	}
	*buffer = content
	sum := sha256.Sum256(content)
	return gateway.ContentHash(sum[:len(hash)]), nil
}

func appendTime(content []byte, draft *gateway.Draft) []byte {
	if draft.Time == nil {
		return append(content, 0)
	}
	content = append(content, 1)
	content = binary.BigEndian.AppendUint64(content, uint64(draft.Time.Unix()))
	return binary.BigEndian.AppendUint32(content, uint32(draft.Time.Nanosecond()))
}
