package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// rawConn is one HTTP/1.1 keep-alive connection that sends ready-made requests and reads responses with as little work as
// the protocol allows, because the load generator shares two cores with the measured server.
type rawConn struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte
}

func dialRaw(address string) (*rawConn, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &rawConn{conn: conn, r: bufio.NewReaderSize(conn, 4096)}, nil
}

func dialRawTLS(address string, trusted *tls.Config) (*rawConn, error) {
	conn, err := tls.Dial("tcp", address, trusted)
	if err != nil {
		return nil, err
	}
	return &rawConn{conn: conn, r: bufio.NewReaderSize(conn, 4096)}, nil
}

func (c *rawConn) close() { _ = c.conn.Close() }

// do sends a whole request and returns the status and the body, which is valid until the next call.
func (c *rawConn) do(request []byte) (status int, body []byte, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	return c.readResponse()
}

var errChunked = errors.New("chunked answer: the load generator reads Content-Length only")

func (c *rawConn) readResponse() (status int, body []byte, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, fmt.Errorf("short status line %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length := 0
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		switch {
		case hasHeader(line, "content-length:"):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[15:]))); err != nil {
				return 0, nil, err
			}
		case hasHeader(line, "transfer-encoding:"):
			return 0, nil, errChunked
		}
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.r, c.body)
	return status, c.body, err
}

// hasHeader compares the beginning of a line with a header name in lower case, including the colon.
func hasHeader(line []byte, name string) bool {
	if len(line) < len(name) {
		return false
	}
	for i := range len(name) {
		c := line[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// appendPost writes a POST with a JSON body.
func appendPost(dst []byte, path, host, headers string, body []byte) []byte {
	dst = append(dst, "POST "...)
	dst = append(dst, path...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, host...)
	dst = append(dst, "\r\nContent-Type: application/json\r\n"...)
	dst = append(dst, headers...)
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}
