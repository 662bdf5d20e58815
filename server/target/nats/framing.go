package nats

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
)

// Bounds of what a server may send. An acknowledgement has about a hundred bytes, an INFO line some thousand.
const (
	maxLineBytes    = 64 << 10
	maxMessageBytes = 16 << 10
	// freeBytes may come whatever was sent to the server; besides them, answerFactor bytes for each byte sent.
	freeBytes    = 1 << 20
	answerFactor = 8
)

// framed checks the frames that a server sends before the client library reads them. The library allocates what a frame announces, and
// panics where that is more than memory could hold; it also collects a line without an end. So a server whose frames are larger
// than those of a stream's acknowledgements loses its connection.
//
// The protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol. Where a frame ends is decided exactly as nats.go
// decides it (parser.go): behind a payload it skips one byte, and then all up to a line feed.
type framed struct {
	net.Conn
	// first has what was checked and is not read yet.
	first []byte
	// fault is why nothing more is read.
	fault error

	// line holds the line under way. Of a payload, payload is how many bytes are still to come, and skipLine says that the rest of its line
	// is skipped after it.
	line     []byte
	payload  int
	skipLine bool
	received int64
	sent     atomic.Int64
}

// Read implements net.Conn. It passes on what it has checked.
func (f *framed) Read(to []byte) (int, error) {
	if len(f.first) > 0 {
		n := copy(to, f.first)
		f.first = f.first[n:]
		return n, nil
	}
	if f.fault != nil {
		return 0, f.fault
	}
	n, err := f.Conn.Read(to)
	if f.fault = f.check(to[:n]); f.fault != nil {
		return 0, f.fault
	}
	return n, err
}

// peekLine reads the first line, which Read returns again. rest is what came behind it.
func (f *framed) peekLine() (line, rest []byte, err error) {
	buffer := make([]byte, 4<<10)
	for {
		if line, rest, found := bytes.Cut(f.first, []byte("\n")); found {
			return line, rest, nil
		}
		n, err := f.Conn.Read(buffer)
		if fault := f.check(buffer[:n]); fault != nil {
			return nil, nil, fault
		}
		f.first = append(f.first, buffer[:n]...)
		if err != nil {
			return nil, nil, err
		}
	}
}

// Write implements net.Conn.
func (f *framed) Write(b []byte) (int, error) {
	n, err := f.Conn.Write(b)
	f.sent.Add(int64(n))
	return n, err
}

func (f *framed) check(b []byte) error {
	if f.received += int64(len(b)); f.received > freeBytes+answerFactor*f.sent.Load() {
		return errors.New("the server sends far more than it is sent")
	}
	for len(b) > 0 {
		if f.payload > 0 {
			n := min(f.payload, len(b))
			f.payload -= n
			b = b[n:]
			continue
		}
		end := bytes.IndexByte(b, '\n')
		part := b
		if end >= 0 {
			part = b[:end]
		}
		if len(f.line)+len(part) > maxLineBytes {
			return fmt.Errorf("the server sends a line of more than %d bytes", maxLineBytes)
		}
		if !f.skipLine {
			f.line = append(f.line, part...)
		}
		if end < 0 {
			return nil
		}
		b = b[end+1:]
		if err := f.endLine(); err != nil {
			return err
		}
	}
	return nil
}

// endLine looks at a whole line. A payload follows one that begins a message.
func (f *framed) endLine() error {
	line := f.line
	f.line = f.line[:0]
	if f.skipLine {
		f.skipLine = false
		return nil
	}
	if !isMessage(line) {
		return nil
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	size, err := strconv.ParseUint(string(line[bytes.LastIndexAny(line, " \t")+1:]), 10, 32)
	if err != nil || bytes.IndexByte(line, '\r') >= 0 || size > maxMessageBytes {
		return fmt.Errorf("the server sends a message of more than %d bytes, or a malformed one", maxMessageBytes)
	}
	// The byte behind the payload is skipped whatever it is.
	f.payload, f.skipLine = int(size)+1, true
	return nil
}

// isMessage reports whether a line is MSG or HMSG.
func isMessage(line []byte) bool {
	if len(line) > 0 && (line[0] == 'H' || line[0] == 'h') {
		line = line[1:]
	}
	return len(line) > 3 && bytes.EqualFold(line[:3], []byte("MSG"))
}
