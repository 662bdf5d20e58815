package httpserver

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/net/http2"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/wire"
)

// The time in which a body, or each message of a streaming body, must arrive: 10 s for unknown callers, 20 s for known ones, plus a
// second for every 4 KiB that have arrived.
const (
	unknownTime = 10 * time.Second
	knownTime   = 20 * time.Second
	knownPace   = 4 << 10
)

// body is the body of a request. Every byte passes through it, whatever the path and the protocol. It decompresses the body itself,
// so that each byte is charged to the call before it is kept in memory.
type body struct {
	arrival
	call    *limit.Call
	decoded io.Reader
	// taken is the number of decoded bytes of the body, or of the current message if messages are limited one by one.
	taken int
	// charged is the number of bytes that the call was charged for them.
	charged int
	// announced is the Content-Length of a body that is one message, if the client sent it; 0 once it is reserved.
	announced int64
	// failed is the error after which nothing more can be read. A reader may outlive the handler, which checks it at the end.
	failed atomic.Pointer[failure]

	ctx    context.Context
	logger *slog.Logger
}

type failure struct{ err error }

// newBody wraps the body of a request. A streaming body may be silent between two messages and need not end.
func newBody(w http.ResponseWriter, r *http.Request, call *limit.Call, streaming bool, logger *slog.Logger) *body {
	b := &body{call: call, ctx: r.Context(), logger: logger}
	b.arrival = arrival{
		source: r.Body, controller: http.NewResponseController(w), known: b.known, streaming: streaming, began: time.Now(),
	}
	b.decoded = b.decoder(r.Header)
	if _, framed := b.decoded.(*messages); !framed {
		b.announced = r.ContentLength
	}
	if r.ProtoMajor == 1 {
		b.begin() // net/http reads the rest of a body after its handler has returned, and would wait forever.
	}
	return b
}

func (b *body) known() bool {
	_, known := b.call.Most()
	return known
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if failed := b.failed.Load(); failed != nil {
		return 0, failed.err
	}
	n, err := b.read(p)
	if err == nil {
		return n, nil
	}
	b.call.Arrived()
	if errors.Is(err, io.EOF) {
		return n, err
	}
	failed := &failure{b.explain(err)}
	b.failed.Store(failed)
	return n, failed.err
}

// read reads decoded bytes. A streaming body does not count as incomplete, because it need not end.
func (b *body) read(p []byte) (int, error) {
	if b.streaming {
		b.call.Wait()
	} else if err := b.call.Expect(); err != nil {
		return 0, err
	}
	if err := b.announce(); err != nil {
		return 0, err
	}
	return b.decoded.Read(p)
}

// announce reserves memory for the announced length before anything is read. A compressed body decompresses to at least as much.
func (b *body) announce() error {
	most, known := b.call.Most()
	length := b.announced
	b.announced = 0
	switch {
	case length <= 0 || !known:
		return nil
	case length > int64(most):
		return limit.TooLarge(most)
	default:
		return b.call.Announce(int(length))
	}
}

// Close implements io.Closer.
func (b *body) Close() error {
	if z, ok := b.decoded.(*inflated); ok {
		z.free()
	}
	return b.arrival.Close()
}

// take counts n more decoded bytes and charges weighed bytes for them.
func (b *body) take(n, weighed int) error {
	most, _ := b.call.Most()
	if b.taken += n; b.taken > most {
		return limit.TooLarge(most)
	}
	if err := b.call.Charge(weighed); err != nil {
		return err
	}
	b.charged += weighed
	return nil
}

// forget releases the charge for a message that its reader is done with.
func (b *body) forget() {
	b.call.Release(b.charged)
	b.taken, b.charged = 0, 0
}

// explain converts an error into the one that the client sees. A body that cannot be read is the client's fault, in every framing
// and compression. If the client has disconnected, nobody sees the error.
func (b *body) explain(err error) error {
	var known *gateway.Error
	switch {
	case errors.As(err, &known):
		return b.show(known)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return b.show(limit.TooSlow(b.allowed()))
	case left(err):
		return connect.NewError(connect.CodeCanceled, errors.New("the client disconnected before its request was complete"))
	default:
		return b.show(malformed("%s", brokenText(err)))
	}
}

// left reports whether a body ends because the client has disconnected or the call has ended. A connection of HTTP/1.1 that ends too
// early does not count: the client may have closed only its side and still read the response.
func left(err error) bool {
	var network *net.OpError
	var reset http2.StreamError
	return errors.As(err, &network) || errors.As(err, &reset) || err.Error() == disconnected ||
		errors.Is(err, limit.ErrOver) || errors.Is(err, http.ErrBodyReadAfterClose)
}

// disconnected is the text of net/http's error for bodies of a closed HTTP/2 connection; net/http does not export it.
const disconnected = "client disconnected"

// brokenText describes why a body cannot be read.
func brokenText(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "its body ends too early"
	}
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return "cannot be decompressed: " + err.Error()
	}
	return "its body cannot be read: " + err.Error()
}

// malformed returns the error of a body whose framing or compression is invalid.
func malformed(format string, args ...any) *gateway.Error {
	fault := gateway.FieldError("request", format, args...)
	fault.Reason = gateway.ReasonMalformedRequest
	return fault
}

func (b *body) show(err error) *connect.Error { return wire.ConnectError(b.ctx, b.logger, err) }

// plain reads a body that is neither compressed nor a sequence of messages.
type plain struct{ body *body }

func (p plain) Read(to []byte) (int, error) {
	n, err := p.body.receive(to)
	if n > 0 {
		if refused := p.body.take(n, n); refused != nil {
			return 0, refused
		}
	}
	return n, err
}
