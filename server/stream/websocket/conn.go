package websocket

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
)

// CloseCode tells in a close frame why a connection ends.
type CloseCode = websocket.StatusCode

// The codes of RFC 6455 that this server sends, and its own above 4000.
const (
	CloseNormal      CloseCode = websocket.StatusNormalClosure
	CloseProtocol    CloseCode = websocket.StatusProtocolError
	CloseUnsupported CloseCode = websocket.StatusUnsupportedData
	CloseInvalidText CloseCode = websocket.StatusInvalidFramePayloadData
	CloseTooLarge    CloseCode = websocket.StatusMessageTooBig
	CloseInternal    CloseCode = websocket.StatusInternalError
	// CloseRestart: the server is stopping; connect again.
	CloseRestart CloseCode = websocket.StatusServiceRestart
	// CloseLater: the server has no room; connect again later.
	CloseLater CloseCode = websocket.StatusTryAgainLater
	// CloseRefused: what was asked for is refused, and would be again.
	CloseRefused CloseCode = 4400
	// CloseUnauthenticated: the client needs other credentials to connect again.
	CloseUnauthenticated CloseCode = 4401
	// CloseForbidden: the credentials do not allow it.
	CloseForbidden CloseCode = 4403
)

// Buffers of a connection. Most clients say little, and what is larger goes past them.
const (
	readBuffer    = 512
	controlBuffer = 256
)

// Options of Accept.
type Options struct {
	// Subprotocols are those to choose from; the first of them that the client offers.
	Subprotocols []string
	// Compress agrees to permessage-deflate where the client offers it.
	Compress bool
	// Call bounds a message of the client, after decompression, and is charged for it.
	Call *limit.Call
	// Rate is how many messages, control frames and small parts of messages are taken of the client a second; the others wait. 0 for
	// any number.
	Rate int
	// Shared says how long a number of them have to wait for those of other connections; nil for not at all.
	Shared func(frames int) time.Duration
}

// Conn is a WebSocket connection. The library reads and answers control frames; messages are framed here, since they go
// out many at a time and some to many connections. One goroutine may read, any may write.
type Conn struct {
	reader *websocket.Conn
	link   *link
	// compress says that messages go out compressed.
	compress bool
	call     *limit.Call
}

// Accept answers an upgrade request. An error was told to the client. Origins are the caller's business.
func Accept(w http.ResponseWriter, r *http.Request, options Options) (*Conn, error) {
	mode := websocket.CompressionDisabled
	if options.Compress {
		mode = websocket.CompressionNoContextTakeover
	}
	upgrade := &upgrade{ResponseWriter: w, link: newLink(options.Rate, options.Shared)}
	reader, err := websocket.Accept(upgrade, r, &websocket.AcceptOptions{
		Subprotocols: options.Subprotocols, InsecureSkipVerify: true, CompressionMode: mode,
	})
	if err != nil {
		return nil, err
	}
	reader.SetReadLimit(-1) // collect has the limit.
	return &Conn{
		reader: reader, link: upgrade.link, call: options.Call,
		compress: w.Header().Get("Sec-WebSocket-Extensions") != "",
	}, nil
}

// upgrade hands the library a connection that writes through a link.
type upgrade struct {
	http.ResponseWriter
	link *link
}

// Hijack implements http.Hijacker.
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	u.link.Conn, u.link.early = conn, slices.Clone(early)
	return u.link, bufio.NewReadWriter(bufio.NewReaderSize(u.link, readBuffer), bufio.NewWriterSize(u.link, controlBuffer)), nil
}

// Subprotocol is the one agreed on; empty for none.
func (c *Conn) Subprotocol() string { return c.reader.Subprotocol() }

// errInvalidText means that a text message was not UTF-8.
var errInvalidText = errors.New("a text message is not UTF-8")

// Read waits for a message of the client, which is charged to its call until ReleaseMessage. After an error there is nothing
// more to read. A *gateway.Error is for the client; it knows already what else it did wrong.
func (c *Conn) Read() (text bool, message []byte, err error) {
	kind, reader, err := c.reader.Reader(context.Background())
	if err == nil {
		message, err = c.collect(reader)
	}
	var told *gateway.Error
	if errors.As(err, &told) {
		return false, nil, err
	}
	if err != nil {
		c.refuse(err)
		return false, nil, err
	}
	if text = kind == websocket.MessageText; text && !utf8.Valid(message) {
		c.Close(CloseInvalidText, "")
		return false, nil, errInvalidText
	}
	return text, message, nil
}

// collect reads a message that has begun, and charges each part of it before it is kept.
func (c *Conn) collect(from io.Reader) ([]byte, error) {
	c.link.messageBegins()
	defer c.link.messageEnds()
	most, _ := c.call.Most()
	var message []byte
	for part := partBytes; ; part = min(2*part, maxPartBytes) {
		message = slices.Grow(message, part)
		n, err := from.Read(message[len(message):cap(message)])
		if refused := c.charge(len(message)+n, n, most); refused != nil {
			c.call.Release(len(message))
			return nil, refused
		}
		c.link.messageGrows(n)
		message = message[:len(message)+n]
		if errors.Is(err, io.EOF) {
			return message, nil
		}
		if err != nil {
			c.call.Release(len(message))
			return nil, c.late(err)
		}
	}
}

// A message is read in parts, which grow with it.
const (
	partBytes    = 512
	maxPartBytes = 64 << 10
)

func (c *Conn) charge(whole, part, most int) error {
	if whole > most {
		return limit.TooLarge(most)
	}
	return c.call.Charge(part)
}

// late is the error of a message that does not arrive in time.
func (c *Conn) late(err error) error {
	if within, ok := c.link.messageLate(err); ok {
		return limit.TooSlow(within)
	}
	return err
}

// ReleaseMessage gives back what a message was charged, when it has been dealt with.
func (c *Conn) ReleaseMessage(n int) { c.call.Release(n) }

// refuse tells the client what it did wrong where the library has not: it only stops at a frame without a mask.
func (c *Conn) refuse(err error) {
	var gone net.Error
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) && !errors.As(err, &gone) {
		c.Close(CloseProtocol, "")
	}
}

// Append buffers a message, whose payload encode appends. It is written with the next Flush, or when there is much.
func (c *Conn) Append(text bool, encode func([]byte) ([]byte, error)) error {
	op := opBinary
	if text {
		op = opText
	}
	return c.link.message(op, c.compress, encode)
}

// Flush writes what is buffered.
func (c *Conn) Flush() error { return c.link.flush() }

// Close sends a close frame, after which nothing can be sent. What is still to be read ends soon.
func (c *Conn) Close(code CloseCode, reason string) { c.link.close(code, reason) }

// Release gives the connection back. Whoever sent a close frame first waits for the client to leave: a connection that is
// closed with something unread is reset, and the frame may be lost.
func (c *Conn) Release() {
	c.link.leave()
	if half, ok := c.link.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(c.link, 1<<20))
	}
	_ = c.reader.CloseNow()
}
