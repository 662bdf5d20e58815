package store

import (
	"encoding/binary"

	"github.com/postrider-dev/postrider/server/gateway"
)

// sentBytes encodes what an attempt sent: the digest of its form and, if the request was transmitted, the digest and length
// of its body and its signature.
func sentBytes(sent *gateway.Sent) any {
	if !sent.Recorded() {
		return nil
	}
	if !sent.Transmitted {
		return append([]byte(nil), sent.Digest[:]...)
	}
	row := make([]byte, 0, len(sent.Digest)+len(sent.Body)+4+len(sent.Signature))
	row = append(row, sent.Digest[:]...)
	row = append(row, sent.Body[:]...)
	row = binary.AppendUvarint(row, uint64(sent.BodyBytes))
	return append(row, sent.Signature...)
}

// sentFrom decodes what sentBytes encoded.
func sentFrom(row *[]byte) (sent gateway.Sent) {
	rest := value(row)
	if len(rest) < len(sent.Digest) {
		return sent
	}
	rest = rest[copy(sent.Digest[:], rest):]
	if len(rest) <= len(sent.Body) {
		return sent
	}
	sent.Transmitted = true
	rest = rest[copy(sent.Body[:], rest):]
	length, n := binary.Uvarint(rest)
	sent.BodyBytes = int(length)
	sent.Signature = string(rest[max(n, 0):])
	return sent
}
