package websocket_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The opcodes of RFC 6455.
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// frame is one as it is on the wire. open is the opposite of FIN, so that the zero value is a whole message.
type frame struct {
	open    bool
	rsv     byte // three bits
	op      byte
	payload string
	bare    bool // without a mask
}

func (f frame) String() string {
	payload := f.payload
	if len(payload) > 40 {
		payload = fmt.Sprintf("%s… (%d bytes)", payload[:40], len(payload))
	}
	return fmt.Sprintf("{op %d open %t rsv %d %q}", f.op, f.open, f.rsv, payload)
}

// encode writes the frame as a client has to.
func (f frame) encode() []byte {
	first := f.rsv<<4 | f.op
	if !f.open {
		first |= 0x80
	}
	out := []byte{first}
	masked := byte(0x80)
	if f.bare {
		masked = 0
	}
	switch n := len(f.payload); {
	case n < 126:
		out = append(out, masked|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, masked|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, masked|127), uint64(n))
	}
	if f.bare {
		return append(out, f.payload...)
	}
	var mask [4]byte
	rand.Read(mask[:])
	out = append(out, mask[:]...)
	for i := range len(f.payload) {
		out = append(out, f.payload[i]^mask[i&3])
	}
	return out
}

// rawClient speaks frames, well or badly.
type rawClient struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
	answer *http.Response
	// inflate says that the extension was agreed on.
	inflate bool
}

// dialRaw opens a WebSocket by hand; header are further lines of the request.
func dialRaw(t *testing.T, url string, header ...string) *rawClient {
	t.Helper()
	c := tryRaw(t, url, header...)
	if c.answer.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(c.answer.Body)
		t.Fatalf("upgrade: %s %s", c.answer.Status, body)
	}
	return c
}

func tryRaw(t *testing.T, url string, header ...string) *rawClient {
	t.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	return greet(t, conn, host, path, header...)
}

// greet asks for the upgrade and reads the answer.
func greet(t *testing.T, conn net.Conn, host, path string, header ...string) *rawClient {
	t.Helper()
	lines := append([]string{
		"GET /" + path + " HTTP/1.1", "Host: " + host, "Connection: keep-alive, Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	c := &rawClient{t: t, conn: conn, reader: bufio.NewReader(conn)}
	var err error
	if c.answer, err = http.ReadResponse(c.reader, nil); err != nil {
		t.Fatal(err)
	}
	c.inflate = strings.HasPrefix(c.answer.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate")
	return c
}

// send writes frames in pieces of so many bytes; 0 for all at once. A server that has had enough may not take them all.
func (c *rawClient) send(pieces int, frames ...frame) {
	var out []byte
	for _, f := range frames {
		out = append(out, f.encode()...)
	}
	for len(out) > 0 {
		n := len(out)
		if pieces > 0 {
			n = min(n, pieces)
		}
		if _, err := c.conn.Write(out[:n]); err != nil {
			return
		}
		out = out[n:]
	}
}

// read returns the next frame. It checks what holds for every frame of a server.
func (c *rawClient) read() (frame, error) {
	var head [10]byte
	if _, err := io.ReadFull(c.reader, head[:2]); err != nil {
		return frame{}, err
	}
	f := frame{open: head[0]&0x80 == 0, rsv: head[0] >> 4 & 7, op: head[0] & 15}
	length := uint64(head[1] & 0x7f)
	if head[1]&0x80 != 0 {
		return f, errors.New("a server's frame is masked")
	}
	switch length {
	case 126:
		if _, err := io.ReadFull(c.reader, head[2:4]); err != nil {
			return f, err
		}
		if length = uint64(binary.BigEndian.Uint16(head[2:])); length < 126 {
			return f, errors.New("a length is not in its shortest form")
		}
	case 127:
		if _, err := io.ReadFull(c.reader, head[2:10]); err != nil {
			return f, err
		}
		if length = binary.BigEndian.Uint64(head[2:]); length < 1<<16 {
			return f, errors.New("a length is not in its shortest form")
		}
	}
	if f.op >= opClose && (length > 125 || f.open) {
		return f, errors.New("a control frame is too long or a fragment")
	}
	if f.rsv != 0 && (!c.inflate || f.rsv != 4 || f.op >= opClose) {
		return f, fmt.Errorf("reserved bits %d on %v", f.rsv, f)
	}
	payload := make([]byte, length)
	_, err := io.ReadFull(c.reader, payload)
	f.payload = string(payload)
	if err == nil && f.rsv == 4 {
		f.payload, err = inflated(f.payload)
		f.rsv = 0
	}
	return f, err
}

// next is a frame that must come.
func (c *rawClient) next() frame {
	c.t.Helper()
	f, err := c.read()
	if err != nil {
		c.t.Fatalf("read a frame: %v", err)
	}
	return f
}

func closing(code int, reason string) frame {
	return frame{op: opClose, payload: string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason}
}

// closeOf is the code of a close frame; 0 for none.
func closeOf(f frame) int {
	if f.op != opClose || len(f.payload) < 2 {
		return 0
	}
	return int(binary.BigEndian.Uint16([]byte(f.payload)))
}

// expectClose wants a close frame with a code, 0 for one without, and then the end of the connection.
func (c *rawClient) expectClose(code int) {
	c.t.Helper()
	f := c.next()
	if f.op != opClose || closeOf(f) != code {
		c.t.Fatalf("got %v, want a close frame with %d", f, code)
	}
	c.expectEnd()
}

func (c *rawClient) expectEnd() {
	c.t.Helper()
	if f, err := c.read(); err == nil {
		c.t.Fatalf("after the close comes %v", f)
	} else if !errors.Is(err, io.EOF) {
		c.t.Fatalf("the connection ends with %v, want a clean end", err)
	}
}

// compressed is a message as permessage-deflate without context takeover has it.
func deflatedText(text string) string {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.DefaultCompression)
	_, _ = io.WriteString(w, text)
	_ = w.Flush()
	return strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
}

func inflated(text string) (string, error) {
	out, err := io.ReadAll(flate.NewReader(strings.NewReader(text + "\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	return string(out), err
}
