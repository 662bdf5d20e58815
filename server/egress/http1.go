package egress

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

const (
	// maxDirectBody is the longest body sent in one write. What is longer takes net/http, which reads while it writes:
	// an endpoint may answer before it has read everything.
	maxDirectBody = 64 << 10

	// maxPooledBuffer keeps a request with extraordinary headers from staying in memory.
	maxPooledBuffer = 2 * maxDirectBody

	// readBufferBytes is net/http's own size; it also bounds the trailer of a chunked body.
	readBufferBytes = 4 << 10
)

// direct sends small requests over HTTP/1.1 in the goroutine that asks. net/http keeps two goroutines for each connection,
// since it must serve bodies of any length at any pace. Handing a request to them and its answer back is work that a
// small request does not need: BenchmarkDo needs two thirds of the CPU time of BenchmarkDoThroughTransport, and 12 allocations
// instead of 52, over https 18 instead of 58. Only the connections and the request are handled here; net/http parses the responses.
type direct struct {
	dial    DialFunc // judges the address
	port    string   // where the URL names none
	idle    idlePool
	buffers sync.Pool // of *[]byte, for requests
	readers sync.Pool // of *bufio.Reader, for answers
}

func newDirect(dial DialFunc, port string) *direct {
	d := &direct{dial: dial, port: port}
	d.buffers.New = func() any { return new([]byte) }
	d.readers.New = func() any { return bufio.NewReaderSize(nil, readBufferBytes) }
	return d
}

// line is a connection and the state of the exchange under way on it.
type line struct {
	net.Conn
	probe
	dialled *conn  // what Conn is, or what is below its TLS
	host    string // as the URL spells it, with the port; connections are kept by it
	abort   func()

	reader     *bufio.Reader
	headerLeft int         // bytes that may be read before the header of the answer must be complete
	inBody     bool        // headerLeft does not count any more
	release    func() bool // ends the watch over the caller's context; false when it has ended already
	broken     bool        // the request was not written completely

	idleSince    time.Time
	older, newer *line // among the idle ones
}

// aLongTimeAgo is a deadline that ends every read and write under way.
var aLongTimeAgo = time.Unix(1, 0)

// ask sends r and reads the header of the answer. The line is nil after an error; else the caller reads the body and
// hands the line to done.
func (d *direct) ask(a *attempt, r Request) (*line, *http.Response, error) {
	if err := a.caller.Err(); err != nil {
		return nil, nil, err
	}
	if l := d.reuse(a, r.URL.Host); l != nil {
		response, err := d.exchange(l, a, r)
		if err == nil {
			return l, response, nil
		}
		d.done(l, false)
		if a.firstByte.Load() != 0 || a.over() {
			return nil, nil, err
		}
	}
	l, err := d.connect(a, r.URL)
	if err != nil {
		return nil, nil, err
	}
	response, err := d.exchange(l, a, r)
	if err != nil {
		d.done(l, false)
		return nil, nil, err
	}
	return l, response, nil
}

// reuse returns an idle connection on which nothing has happened since, nil when there is none. Bytes that nobody asked
// for must not become the answer to the next request.
func (d *direct) reuse(a *attempt, host string) *line {
	for {
		l := d.idle.take(host)
		if l == nil {
			return nil
		}
		if !l.readAhead() && l.SetDeadline(a.deadline) == nil && l.quiet() {
			d.begin(l, a, true)
			return l
		}
		_ = l.Close()
	}
}

// readAhead reports whether crypto/tls has read beyond the last answer. The probe cannot see that. With a deadline in the past
// crypto/tls returns what it has and waits for nothing.
func (l *line) readAhead() bool {
	if l.Conn == net.Conn(l.dialled) {
		return false
	}
	var b [1]byte
	_ = l.SetReadDeadline(aLongTimeAgo)
	_, err := l.Conn.Read(b[:])
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// Close sends no close_notify over TLS: that could wait for an endpoint that reads nothing, and HTTP frames its messages itself.
func (l *line) Close() error { return l.dialled.Close() }

func (d *direct) connect(a *attempt, u *url.URL) (*line, error) {
	ctx, cancel := context.WithDeadline(a.caller, a.deadline)
	defer cancel()
	c, err := d.dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), d.port)))
	if err != nil {
		return nil, err
	}
	if secure, ok := c.(*tls.Conn); ok && secure.ConnectionState().NegotiatedProtocol == "h2" {
		a.handed = newHanded(secure)
		return nil, errHTTP2
	}
	l := &line{Conn: c, dialled: unwrap(c), host: u.Host}
	l.abort = func() { _ = l.SetDeadline(aLongTimeAgo) }
	l.prepare(l.dialled.Conn)
	if err := l.SetDeadline(a.deadline); err != nil {
		_ = l.Close()
		return nil, err
	}
	d.begin(l, a, false)
	return l, nil
}

// begin watches over the caller's context, with the deadline set already: the watch may go off at once.
func (d *direct) begin(l *line, a *attempt, reused bool) {
	a.got(l.dialled, reused)
	l.headerLeft, l.inBody, l.broken = maxResponseHeaderBytes, false, false
	l.reader = d.readers.Get().(*bufio.Reader)
	l.reader.Reset(l)
	l.release = context.AfterFunc(a.caller, l.abort)
}

// exchange writes r and reads up to the end of the answer's header.
func (d *direct) exchange(l *line, a *attempt, r Request) (*http.Response, error) {
	written := d.write(l, r)
	l.broken = written != nil
	// An endpoint that refuses a request unread may have answered before it hung up.
	if _, err := l.reader.Peek(1); err != nil {
		return nil, cmp.Or(written, err)
	}
	a.gotFirstByte()
	response, err := l.readHeader()
	if err != nil {
		// net/http's words, which attempts through it show as well
		return nil, fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", err)
	}
	return response, nil
}

// write gives the buffer back before the answer arrives, which may take long.
func (d *direct) write(l *line, r Request) error {
	buffer := d.buffers.Get().(*[]byte)
	*buffer = appendRequest((*buffer)[:0], r)
	_, err := l.Write(*buffer)
	if cap(*buffer) <= maxPooledBuffer {
		d.buffers.Put(buffer)
	}
	return err
}

// readHeader passes over interim answers. All of them together may have maxResponseHeaderBytes, so they end.
func (l *line) readHeader() (*http.Response, error) {
	for {
		response, err := http.ReadResponse(l.reader, nil) // nil stands for GET, whose answers are framed like POST's
		if err != nil && l.headerLeft <= 0 {
			err = fmt.Errorf("net/http: server response headers exceeded %d bytes; aborted", maxResponseHeaderBytes)
		}
		if err != nil {
			return nil, err
		}
		if isFinal(response.StatusCode) {
			l.inBody = true
			return response, nil
		}
	}
}

func isFinal(status int) bool {
	return status < 100 || status > 199 || status == http.StatusSwitchingProtocols
}

// Read is for the reader of the exchange.
func (l *line) Read(p []byte) (int, error) {
	if l.inBody {
		return l.Conn.Read(p)
	}
	if l.headerLeft <= 0 {
		return 0, io.ErrUnexpectedEOF // readHeader says it better
	}
	n, err := l.Conn.Read(p[:min(len(p), l.headerLeft)])
	l.headerLeft -= n
	return n, err
}

// done ends the exchange. The connection is kept when again says that both sides have said everything and will go on,
// unless the endpoint has said more, or the caller's end may yet reach into the next exchange.
func (d *direct) done(l *line, again bool) {
	again = again && !l.broken && l.reader.Buffered() == 0
	l.reader.Reset(nil)
	d.readers.Put(l.reader)
	l.reader = nil
	if !l.release() || !again || !d.idle.put(l) {
		_ = l.Close()
	}
}
