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

// CloseCode is the code in a close frame, which says why a connection ends.
type CloseCode = websocket.StatusCode

// The codes of RFC 6455 that this server sends, and its own codes above 4000.
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
	// CloseRefused: the request is refused, and would be refused again.
	CloseRefused CloseCode = 4400
	// CloseUnauthenticated: the client needs other credentials to connect again.
	CloseUnauthenticated CloseCode = 4401
	// CloseForbidden: the credentials do not allow the request.
	CloseForbidden CloseCode = 4403
)

// Buffer sizes of a connection. Most clients send little, and larger messages bypass the buffers.
const (
	readBuffer    = 512
	controlBuffer = 256
)

// Options are the options of Accept.
type Options struct {
	// Subprotocols are the supported subprotocols. The first one that the client offers is selected.
	Subprotocols []string
	// Compress enables permessage-deflate if the client offers it.
	Compress bool
	// Call is charged for each message of the client and limits its size after decompression.
	Call *limit.Call
	// Rate is the number of messages, control frames and small message fragments that are read from the client in a second;
	// further ones wait. 0 means no limit.
	Rate int
	// Shared returns how long a number of frames must wait because of other connections. It may be nil.
	Shared func(frames int) time.Duration
}

// Conn is a WebSocket connection. The library reads frames and responds to control frames. Messages to the client are framed
// here, because many go out together and some go to many connections. One goroutine may read, any may write.
type Conn struct {
	reader *websocket.Conn
	link   *link
	// compress means that messages are sent compressed.
	compress bool
	call     *limit.Call
}

// Accept upgrades a request. If it returns an error, the client was sent the error. The caller must check the origin.
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
	reader.SetReadLimit(-1) // collect applies the limit
	return &Conn{
		reader: reader, link: upgrade.link, call: options.Call,
		compress: w.Header().Get("Sec-WebSocket-Extensions") != "",
	}, nil
}

// upgrade gives the library a connection that writes through a link.
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

// Subprotocol returns the selected subprotocol; empty for none.
func (c *Conn) Subprotocol() string { return c.reader.Subprotocol() }

// errInvalidText means that a text message was not UTF-8.
var errInvalidText = errors.New("a text message is not UTF-8")

// Read waits for a message of the client. The message is charged to the call until ReleaseMessage. After an error nothing
// more can be read. If the error is a *gateway.Error, the caller should send it to the client; the client was already
// notified of other faults.
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

// collect reads a message that has begun, and charges each part before it keeps it.
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

// A message is read in parts, whose size grows with the message.
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

// late returns the error of a message that did not arrive in time.
func (c *Conn) late(err error) error {
	if within, ok := c.link.messageLate(err); ok {
		return limit.TooSlow(within)
	}
	return err
}

// ReleaseMessage releases what a message was charged.
func (c *Conn) ReleaseMessage(n int) { c.call.Release(n) }

// refuse notifies the client of a fault that the library does not report: the library only stops reading at a frame without
// a mask.
func (c *Conn) refuse(err error) {
	var gone net.Error
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) && !errors.As(err, &gone) {
		c.Close(CloseProtocol, "")
	}
}

// Append buffers a message whose payload encode appends. It is written by the next Flush, or when much is buffered.
func (c *Conn) Append(text bool, encode func([]byte) ([]byte, error)) error {
	op := opBinary
	if text {
		op = opText
	}
	return c.link.message(op, c.compress, encode)
}

// Flush writes what is buffered.
func (c *Conn) Flush() error { return c.link.flush() }

// Close sends a close frame, after which nothing can be sent. Reading ends soon after.
func (c *Conn) Close(code CloseCode, reason string) { c.link.close(code, reason) }

// Release closes the connection. If the server sent its close frame first, Release waits for the client to leave: a
// connection that is closed while something is unread is reset, and then the close frame may be lost.
func (c *Conn) Release() {
	c.link.leave()
	if half, ok := c.link.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(c.link, 1<<20))
	}
	_ = c.reader.CloseNow()
}
