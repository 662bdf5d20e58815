package httpserver

import (
	"log/slog"
	"net/http"
	"slices"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/wire"
)

// calls begins and ends every call, and limits its cost until its caller is known.
type calls struct {
	streams []string
	unknown *limit.Budget
	refused *limit.Sampler
	logger  *slog.Logger
	next    http.Handler
}

func newCalls(cfg Config, next http.Handler) *calls {
	return &calls{
		streams: cfg.Streams, unknown: limit.NewUnknown(limit.UnknownBytes),
		refused: limit.NewSampler(cfg.Logger), logger: cfg.Logger, next: next,
	}
}

// ServeHTTP implements http.Handler.
func (c *calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	connection := connectionOf(r)
	call, err := c.begin(connection, r)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	leave, ok := connection.enter(r.Context())
	if !ok {
		call.End()
		return
	}
	call.OnAdmitted(leave)
	c.serve(w, r, call)
}

func (c *calls) begin(connection *connection, r *http.Request) (*limit.Call, error) {
	if r.ContentLength != 0 && connection.expected.Load() >= expectedConnection {
		return nil, limit.NotArrived("connection", expectedConnection)
	}
	call, err := c.unknown.Begin(connection.address, r.ProtoMajor == 2)
	if err != nil {
		return nil, err
	}
	call.CountExpected(&connection.expected)
	return call, nil
}

func (c *calls) refuse(w http.ResponseWriter, r *http.Request, err error) {
	c.refused.Log(r.Context(), slog.LevelWarn, "refused",
		slog.String("path", r.URL.Path), slog.String("peer", r.RemoteAddr), slog.Any("error", err))
	w.Header().Set("Connection", "close")
	wire.WriteError(w, r, c.logger, err)
}

func (c *calls) serve(w http.ResponseWriter, r *http.Request, call *limit.Call) {
	bounded := &boundedWriter{
		ResponseWriter: w, controller: http.NewResponseController(w), call: call, http2: r.ProtoMajor == 2,
	}
	defer func() {
		if bounded.hijacked {
			call.Settle() // The code that has hijacked the connection continues to use the call.
		} else {
			call.End()
		}
	}()
	r = r.WithContext(limit.With(r.Context(), call))
	if r.Body != nil && r.Body != http.NoBody {
		b := newBody(w, r, call, slices.Contains(c.streams, r.URL.Path), c.logger)
		defer func() {
			b.finish()
			c.note(r, b.failed.Load())
		}()
		r.Body = b
	}
	defer bounded.end()
	c.next.ServeHTTP(bounded, r)
}

// note logs that the server refused a body. Such a call never reaches the interceptor that logs calls.
func (c *calls) note(r *http.Request, failed *failure) {
	if failed != nil && r.Context().Err() == nil && connect.CodeOf(failed.err) != connect.CodeCanceled {
		c.refused.Log(r.Context(), slog.LevelInfo, "refused",
			slog.String("path", r.URL.Path), slog.String("peer", r.RemoteAddr), slog.Any("error", failed.err))
	}
}
