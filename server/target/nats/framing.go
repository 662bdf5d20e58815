package nats

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"sync/atomic"
)

// Bounds of what a server may send. An acknowledgement has about a hundred bytes, an INFO line some thousand. The client library keeps an
// INFO line parsed, which takes several times its size.
const (
	maxLineBytes    = 16 << 10
	maxMessageBytes = 16 << 10
	// keptLineBytes is the largest capacity that is kept for the next line.
	keptLineBytes = 1 << 10
	// freeBytes may come whatever was sent to the server; besides them, answerFactor bytes for each byte of an event.
	freeBytes    = 1 << 20
	answerFactor = 8
)

// framed checks what a server sends before the client library reads it. The library allocates what a frame announces, and panics where
// that is more than memory could hold; it also collects a line without an end. Only lines and messages in the form in which NATS servers
// write them pass, so that there is no doubt about where the library ends one. A server that sends anything else loses its connection.
//
// The protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol.
type framed struct {
	net.Conn
	// first has what was checked and is not read yet.
	first []byte
	// fault is why nothing more is read.
	fault error

	// line holds the line under way. Of a message, payload is how many bytes are still to come, its line end included.
	line    []byte
	payload int
	// received counts what has come, published what was published over the connection.
	received  int64
	published atomic.Int64
}

// Read implements net.Conn. It passes on what it has checked.
func (f *framed) Read(to []byte) (int, error) {
	if len(f.first) > 0 {
		n := copy(to, f.first)
		if f.first = f.first[n:]; len(f.first) == 0 {
			f.first = nil // It would hold the first line for as long as the connection lasts.
		}
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

func (f *framed) check(b []byte) error {
	if f.received += int64(len(b)); f.received > freeBytes+answerFactor*f.published.Load() {
		return errors.New("the server sends far more than it is sent")
	}
	for _, one := range b {
		if err := f.checkByte(one); err != nil {
			return err
		}
	}
	return nil
}

func (f *framed) checkByte(b byte) error {
	if f.payload > 0 {
		f.payload--
		if f.payload < len(lineEnd) && b != lineEnd[len(lineEnd)-1-f.payload] {
			return errors.New("the server sends a message that does not end where it says")
		}
		return nil
	}
	if f.line = append(f.line, b); len(f.line) > maxLineBytes {
		return fmt.Errorf("the server sends a line of more than %d bytes", maxLineBytes)
	}
	if b != '\n' {
		return nil
	}
	line := f.line
	if f.line = f.line[:0]; cap(f.line) > keptLineBytes {
		f.line = nil
	}
	return f.checkLine(line)
}

const lineEnd = "\r\n"

// The lines that servers write. What stands behind the first blank of the others begins with a visible character. A reply is optional; the
// header's size is part of HMSG alone.
var (
	bareLine    = regexp.MustCompile(`^(?:PING|PONG|\+OK|INFO \{[^\x00-\x1f]*|-ERR [!-~][^\x00-\x1f]*)\r\n$`)
	messageLine = regexp.MustCompile(`^(?:MSG [!-~]+ [0-9]{1,9}(?: [!-~]+)?|HMSG [!-~]+ [0-9]{1,9}(?: [!-~]+)? ([0-9]{1,9})) ([0-9]{1,9})\r\n$`)
)

func (f *framed) checkLine(line []byte) error {
	if bareLine.Match(line) {
		return nil
	}
	parts := messageLine.FindSubmatch(line)
	if parts == nil {
		return fmt.Errorf("the server sends a malformed line: %.40q", line)
	}
	header, size := number(parts[1]), number(parts[2])
	if size > maxMessageBytes {
		return fmt.Errorf("the server sends a message of more than %d bytes", maxMessageBytes)
	}
	if header > size {
		return fmt.Errorf("the server sends a header larger than its message: %.40q", line)
	}
	f.payload = size + len(lineEnd)
	return nil
}

// number reads up to nine digits; no digits are 0.
func number(digits []byte) int {
	n, _ := strconv.Atoi(string(digits))
	return n
}
