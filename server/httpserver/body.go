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

// How long a body may take to arrive, or each message of a quiet body: that of an unknown caller 10 s, that of a known one
// 20 s and a second more for every 4 KiB that have come.
const (
	unknownTime = 10 * time.Second
	knownTime   = 20 * time.Second
	knownPace   = 4 << 10
)

// body is what is read of a request: the one place through which every byte of it passes, whatever the path and the
// protocol. It is decompressed here and not by what reads it, so that each byte is charged to the call before it is kept.
type body struct {
	arrival
	call    *limit.Call
	decoded io.Reader
	// taken is the number of decoded bytes of the body, or of the message under way where messages are bounded one by one.
	taken int
	// charged is the number of bytes that the call is charged for those.
	charged int
	// announced is the length of the body, where its client says one and it is one message; the call is charged for it once.
	announced int64
	// failed is why nothing more can be read. What reads the body may outlive the handler, which looks at it in the end.
	failed atomic.Pointer[failure]

	ctx    context.Context
	logger *slog.Logger
}

type failure struct{ err error }

// newBody wraps the body of a request. quiet ones may be silent between two messages, for they never have to end.
func newBody(w http.ResponseWriter, r *http.Request, call *limit.Call, quiet bool, logger *slog.Logger) *body {
	b := &body{call: call, ctx: r.Context(), logger: logger}
	b.arrival = arrival{
		source: r.Body, controller: http.NewResponseController(w), known: b.known, quiet: quiet, began: time.Now(),
	}
	b.decoded = b.decoder(r.Header)
	if _, framed := b.decoded.(*messages); !framed {
		b.announced = r.ContentLength
	}
	if r.ProtoMajor == 1 {
		b.begin() // What is left of a body when its handler is done is read by net/http, which would wait for ever.
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

// read reads what is there, or waits for it. A quiet body has no end that could be waited for.
func (b *body) read(p []byte) (int, error) {
	if b.quiet {
		b.call.Wait()
	} else if err := b.call.Expect(); err != nil {
		return 0, err
	}
	if err := b.announce(); err != nil {
		return 0, err
	}
	return b.decoded.Read(p)
}

// announce says to the call how much comes, before anything is read. A compressed body decompresses to at least as much.
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

// take charges n more decoded bytes, which cost as much as weighed.
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

// forget gives back what was charged for a message that its reader is done with.
func (b *body) forget() {
	b.call.Release(b.charged)
	b.taken, b.charged = 0, 0
}

// explain makes what a client sees of an error. Whatever cannot be read of a body is its client's fault, in every framing and
// compression there is, unless the client has left: then nobody sees it.
func (b *body) explain(err error) error {
	var known *gateway.Error
	switch {
	case errors.As(err, &known):
		return b.show(known)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return b.show(limit.TooSlow(b.allowed()))
	case left(err):
		return connect.NewError(connect.CodeCanceled, errors.New("the client left before all of its request had come"))
	default:
		return b.show(malformed("%s", brokenText(err)))
	}
}

// left reports whether a body ends because its client, or the call itself, is gone. A connection of HTTP/1.1 that ends too
// early is none of these: its client may have closed its side only, and reads the answer.
func left(err error) bool {
	var network *net.OpError
	var reset http2.StreamError
	return errors.As(err, &network) || errors.As(err, &reset) || err.Error() == disconnected ||
		errors.Is(err, limit.ErrOver) || errors.Is(err, http.ErrBodyReadAfterClose)
}

// disconnected is how net/http ends the bodies of an HTTP/2 connection that is closed; it has no name.
const disconnected = "client disconnected"

// brokenText says what is wrong with a body in the words of whatever read it.
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

// malformed is the error of a body that breaks the rules of how it is sent.
func malformed(format string, args ...any) *gateway.Error {
	fault := gateway.FieldError("request", format, args...)
	fault.Reason = gateway.ReasonMalformedRequest
	return fault
}

func (b *body) show(err error) *connect.Error { return wire.ConnectError(b.ctx, b.logger, err) }

// plain is a body that is neither compressed nor made of messages.
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
