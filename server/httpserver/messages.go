package httpserver

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/postrider-dev/postrider/server/limit"
)

// prefixBytes is the size of the prefix of each message in gRPC, gRPC-Web and Connect's streams: a byte of flags and the length.
const prefixBytes = 5

// compressed is the flags byte of a compressed message.
const compressed = 1

// messages reads a body that is a sequence of messages. Messages are passed on as they arrive; compressed ones are decompressed.
type messages struct {
	body *body
	// packed means that compressed messages can be decompressed: they use gzip.
	packed bool
	// ready buffers bytes for the reader: a prefix, or a decompressed message.
	ready bytes.Buffer
	// left is the outstanding length of the current message.
	left int64
	// some means that a message has arrived.
	some bool
}

// encodingHeaders has the headers that name the compression of messages, by the prefix of the body's media type.
var encodingHeaders = []struct{ mediaType, header string }{
	{"application/grpc", "Grpc-Encoding"},
	{"application/connect+", "Connect-Content-Encoding"},
}

// decoder returns the reader for the encoding of a body.
func (b *body) decoder(header http.Header) io.Reader {
	mediaType := strings.ToLower(header.Get("Content-Type"))
	for _, one := range encodingHeaders {
		if strings.HasPrefix(mediaType, one.mediaType) {
			return &messages{body: b, packed: header.Get(one.header) == gzipEncoding}
		}
	}
	if unpackWhole(header) {
		return &inflated{body: b}
	}
	return plain{b}
}

// Read implements io.Reader.
func (m *messages) Read(p []byte) (int, error) {
	if m.ready.Len() == 0 && m.left == 0 {
		if err := m.next(); err != nil {
			return 0, err
		}
	}
	if m.ready.Len() > 0 {
		return m.ready.Read(p)
	}
	n, err := m.body.receive(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	if n > 0 {
		if refused := m.body.take(n, n); refused != nil {
			return 0, refused
		}
	}
	if m.left > 0 {
		return n, unexpected(err)
	}
	return n, err
}

// next receives the prefix of the next message, and the whole message if it is compressed.
func (m *messages) next() error {
	m.between()
	var prefix [prefixBytes]byte
	if n, err := io.ReadFull(received{m.body}, prefix[:]); err != nil {
		return m.end(n, err)
	}
	m.some = true
	if err := m.checkFlags(prefix[0]); err != nil {
		return err
	}
	size := int64(binary.BigEndian.Uint32(prefix[1:]))
	most, _ := m.body.call.Most()
	if size > int64(most-m.body.taken) {
		return limit.TooLarge(most)
	}
	if err := m.body.call.Announce(int(size)); err != nil {
		return err
	}
	if prefix[0] == compressed && size > 0 {
		return m.unpack(size)
	}
	m.left = size
	m.ready.Write(prefix[:])
	return nil
}

// checkFlags refuses invalid flags: the flags of the end of a response, and compression that no header names.
func (m *messages) checkFlags(flags byte) error {
	switch {
	case flags&^compressed != 0:
		return malformed("a message has the flags %#02x, and those of a request have 0 or 1", flags)
	case flags == compressed && !m.packed:
		return malformed("a message is marked as compressed, and no header says how")
	default:
		return nil
	}
}

// between releases the previous message if messages are limited one by one.
func (m *messages) between() {
	if m.body.streaming {
		m.body.forget()
		m.body.pause()
	}
	if m.ready.Cap() > keepBytes {
		m.ready = bytes.Buffer{}
	}
}

// end returns the error of a body that ends before the next message, of whose prefix n bytes have arrived. A client that sends no further
// message in time counts as one that has finished.
func (m *messages) end(n int, err error) error {
	if n == 0 && m.some && errors.Is(err, os.ErrDeadlineExceeded) {
		return io.EOF
	}
	return err
}

// keepBytes is the maximum size of a buffer that is reused for the next message.
const keepBytes = 64 << 10

// unpack decompresses a message of size bytes. Until it is read, it is in memory twice: in this buffer and in that of the reader.
func (m *messages) unpack(size int64) error {
	from := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(from)
	packed := &io.LimitedReader{R: received{m.body}, N: size}
	if err := from.Reset(packed); err != nil {
		return unexpected(err)
	}
	m.ready.Reset()
	m.ready.Write(make([]byte, prefixBytes))
	if err := m.collect(from); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, packed); err != nil {
		return err
	}
	if packed.N > 0 {
		return io.ErrUnexpectedEOF
	}
	binary.BigEndian.PutUint32(m.ready.Bytes()[1:], uint32(m.ready.Len()-prefixBytes))
	return nil
}

// collect reads a message to its end and charges each part before it is kept.
func (m *messages) collect(from io.Reader) error {
	var part [4 << 10]byte
	for {
		n, err := from.Read(part[:])
		if refused := m.body.take(n, n+n/2); refused != nil {
			return refused
		}
		m.ready.Write(part[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// unexpected returns the error of a message that ends too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
