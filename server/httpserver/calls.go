package httpserver

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/wire"
)

// Bounds of what a connection and an address may cost before a caller is known. Calls beyond atOnce wait for those
// before them; they are all short, for none of those waits for its client.
const (
	atOnceConnection = 16
	atOnceAddress    = 64
)

// Bounds of the calls of an HTTP/2 connection that its client gives up before they are answered. Clients do that when
// their deadlines pass, so a whole connection's worth may be given up at once.
const (
	resetsPerSecond = 100
	resetBurst      = 2 * maxStreams
)

// calls begins and ends every call, and bounds what it may cost until its caller is known.
type calls struct {
	quiet     []string
	unknown   *limit.Budget
	addresses *limit.Turns
	refused   *limit.Sampler
	logger    *slog.Logger
	next      http.Handler
}

func newCalls(cfg Config, next http.Handler) *calls {
	return &calls{
		quiet: cfg.Quiet, unknown: limit.NewUnknown(limit.UnknownBytes), addresses: limit.NewTurns(atOnceAddress),
		refused: limit.NewSampler(cfg.Logger), logger: cfg.Logger, next: next,
	}
}

// ServeHTTP implements http.Handler.
func (c *calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	connection, address := connectionOf(r), limit.Address(r.RemoteAddr)
	leave, ok := c.enter(r.Context(), connection, address)
	if !ok {
		connection.gaveUp(r)
		return
	}
	defer connection.gaveUp(r)
	call, err := c.unknown.Begin(address, leave)
	if err != nil {
		leave()
		c.refuse(w, r, err)
		return
	}
	c.serve(w, r, call)
}

// enter waits for a call's turn; false when its client gives it up before.
func (c *calls) enter(ctx context.Context, connection *connection, address string) (leave func(), ok bool) {
	if !connection.turns.Take(ctx) {
		return nil, false
	}
	turns := c.addresses.Of(address)
	if !turns.Take(ctx) {
		turns.Leave()
		connection.turns.Give()
		return nil, false
	}
	return func() {
		turns.Give()
		turns.Leave()
		connection.turns.Give()
	}, true
}

func (c *calls) refuse(w http.ResponseWriter, r *http.Request, err error) {
	c.refused.Log(r.Context(), slog.LevelWarn, "refused",
		slog.String("path", r.URL.Path), slog.String("peer", r.RemoteAddr), slog.Any("error", err))
	w.Header().Set("Connection", "close")
	wire.WriteError(w, r, c.logger, err)
}

func (c *calls) serve(w http.ResponseWriter, r *http.Request, call *limit.Call) {
	bounded := &boundedWriter{ResponseWriter: w, controller: http.NewResponseController(w), http2: r.ProtoMajor == 2}
	defer func() {
		if bounded.hijacked {
			call.Settle() // What has taken the connection goes on with the call.
		} else {
			call.End()
		}
	}()
	r = r.WithContext(limit.With(r.Context(), call))
	if r.Body != nil && r.Body != http.NoBody {
		b := newBody(w, r, call, slices.Contains(c.quiet, r.URL.Path), c.logger)
		defer func() {
			b.finish()
			c.note(r, b.failed.Load())
		}()
		r.Body = b
	}
	defer bounded.end()
	c.next.ServeHTTP(bounded, r)
}

// note logs that a body was given up. It never reached what logs calls.
func (c *calls) note(r *http.Request, failed *failure) {
	if failed != nil && r.Context().Err() == nil {
		c.refused.Log(r.Context(), slog.LevelInfo, "refused",
			slog.String("path", r.URL.Path), slog.String("peer", r.RemoteAddr), slog.Any("error", failed.err))
	}
}

// connection is what all calls of one connection cost.
type connection struct {
	conn   net.Conn
	turns  limit.Turn
	resets *rate.Limiter
}

type connectionKey struct{}

// withConnection begins the account of a connection.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, newConnection(conn))
}

func newConnection(conn net.Conn) *connection {
	return &connection{conn: conn, turns: limit.NewTurn(atOnceConnection), resets: rate.NewLimiter(resetsPerSecond, resetBurst)}
}

func connectionOf(r *http.Request) *connection {
	if c, ok := r.Context().Value(connectionKey{}).(*connection); ok {
		return c
	}
	return newConnection(nil)
}

// gaveUp closes a connection whose client has given up too many calls.
func (c *connection) gaveUp(r *http.Request) {
	if r.ProtoMajor == 2 && r.Context().Err() != nil && !c.resets.AllowN(time.Now(), 1) && c.conn != nil {
		_ = c.conn.Close()
	}
}
