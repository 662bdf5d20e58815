package contract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/telemetry"
	"github.com/postrider-dev/postrider/server/wire"
)

// inProcess begins the addresses of methods; nobody looks up its host.
const inProcess = "http://in-process"

// call is one call in process.
type call struct {
	caller Caller
	method *Method
	// done is closed when a stream is over; nil for a unary call.
	done chan struct{}
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// transport hands requests to the procedures. It implements connect.HTTPClient.
type transport struct {
	procedures http.Handler
	logger     *slog.Logger
}

// Do implements connect.HTTPClient.
func (t *transport) Do(r *http.Request) (*http.Response, error) {
	c := r.Context().Value(callKey{}).(*call)
	r = r.WithContext(telemetry.WithProtocol(r.Context(), c.caller.Protocol))
	r.RemoteAddr = c.caller.Address
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	if c.done == nil {
		return t.unary(r), nil
	}
	return t.stream(r, c)
}

// unary serves a request before it returns.
func (t *transport) unary(r *http.Request) *http.Response {
	r.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	r.Body = &body{ReadCloser: r.Body, size: r.ContentLength, request: r, logger: t.logger}
	var written bytes.Buffer
	w := newWriter(&written)
	t.procedures.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	return w.response(io.NopCloser(&written))
}

// stream serves a request beside its client, until it is over or its context ends.
func (t *transport) stream(r *http.Request, c *call) (*http.Response, error) {
	from, to := io.Pipe()
	w := newWriter(to)
	requests := r.Body
	end := func(cause error) {
		_ = to.CloseWithError(cause)
		_ = requests.Close() // What sends requests or waits for them goes on.
	}
	ended := context.AfterFunc(r.Context(), func() { end(context.Cause(r.Context())) })
	go func() {
		defer close(c.done)
		defer ended()
		if !c.method.IsStreamingClient() {
			r.Body = whole(requests)
		}
		end(t.serve(w, r))
		w.WriteHeader(http.StatusOK)
	}()
	select {
	case <-w.ready:
		return w.response(from), nil
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

// whole reads the one request of a stream of responses, so that its client can send it before it receives anything.
func whole(requests io.Reader) io.ReadCloser {
	request, _ := io.ReadAll(requests) // What fails here fails again behind what was read.
	return io.NopCloser(io.MultiReader(bytes.NewReader(request), requests))
}

// serve serves a stream. A panic that nobody else has caught ends this call only, as in net/http.
func (t *transport) serve(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = wire.ConnectError(r.Context(), t.logger, fmt.Errorf("panic in %s: %v\n%s", r.URL.Path, cause, debug.Stack()))
		}
	}()
	t.procedures.ServeHTTP(w, r)
	return nil
}

// body is that of a unary request. It is held to what its caller may send, as one that comes over the port is.
type body struct {
	io.ReadCloser
	size    int64
	request *http.Request
	logger  *slog.Logger
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	ctx := b.request.Context()
	if most, _ := limit.CallOf(ctx).Most(); b.size > int64(most) {
		return 0, wire.ConnectError(ctx, b.logger, limit.TooLarge(most))
	}
	return b.ReadCloser.Read(p)
}

// writer is the response of a call in process.
type writer struct {
	to     io.Writer
	header http.Header
	// status and sent are set when ready is closed.
	status int
	sent   http.Header
	ready  chan struct{}
}

func newWriter(to io.Writer) *writer {
	return &writer{to: to, header: http.Header{}, ready: make(chan struct{})}
}

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	}
}

// Write implements http.ResponseWriter.
func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.to.Write(p)
}

// Flush implements http.Flusher. Nothing is buffered but the header.
func (w *writer) Flush() { w.WriteHeader(http.StatusOK) }

func (w *writer) response(from io.ReadCloser) *http.Response {
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Header: w.sent, Body: from,
		Proto: "HTTP/2.0", ProtoMajor: 2,
	}
}
