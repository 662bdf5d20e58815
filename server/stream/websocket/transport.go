// Package websocket carries live streams over WebSockets: several subscriptions on one connection, each with its own
// position, and publishes.
package websocket

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// The subprotocols: how the messages of postrider/v1/socket.proto are encoded.
const (
	JSONProtocol   = "postrider.v1.json"
	BinaryProtocol = "postrider.v1.proto"
)

// messageRate is the number of messages that a client may send in a second.
const messageRate = 1000

// keyRate is the number of messages that all clients of a key may send in a second. For clients that are not authenticated
// it applies to their address. One processor reads and stores several times as many; without this limit a hundred
// connections took all processors.
const keyRate = 5_000

// Config holds the dependencies of a Transport.
type Config struct {
	Access    *access.Control
	Live      *live.Registry
	Publisher *publish.Publisher
	Hub       *stream.Hub
	// NewRequest parses a subscriber's request; errors name the field.
	NewRequest func(*gateway.Tenant, *postriderv1.SubscribeRequest) (stream.Request, error)
	// Encoding returns the encoding of a SubscribeResponse with an event, in JSON or Protobuf.
	Encoding func(asJSON bool, format postriderv1.PayloadFormat) *stream.Encoding
	// Origins are the origins whose pages may connect, besides the server's own.
	Origins []string
	// Stopping is closed when the server begins to stop. The connections end then.
	Stopping <-chan struct{}
	Logger   *slog.Logger
}

// Transport is the HTTP handler of WebSockets.
type Transport struct {
	config   Config
	requests *wire.Requests
	// rates holds the rates of keys.
	rates *limit.Rates

	mu      sync.Mutex
	stopped bool
	sockets map[*socket]struct{}
	open    sync.WaitGroup
}

// New returns a transport.
func New(config Config) (*Transport, error) {
	requests, err := wire.NewRequests()
	if err != nil {
		return nil, fmt.Errorf("websockets: %w", err)
	}
	return &Transport{
		config: config, requests: requests, sockets: map[*socket]struct{}{},
		rates: limit.NewRates(limit.Rate{PerSecond: keyRate, Burst: keyRate}, limit.Rate{}),
	}, nil
}

// upgrade turns the request of an admitted client into a connection.
func (t *Transport) upgrade(ctx context.Context, w http.ResponseWriter, r *http.Request, c *client) {
	if err := checkUpgrade(r); err != nil {
		c.refuse(ctx, w, r, err)
		return
	}
	conn, err := Accept(w, r, Options{
		Subprotocols: []string{JSONProtocol, BinaryProtocol},
		Compress:     r.URL.Query().Get(wire.CompressionParameter) == wire.CompressionDeflate,
		Call:         c.call,
		Rate:         messageRate,
		Shared:       func(frames int) time.Duration { return t.rates.Reserve(c.call.Key(), min(frames, keyRate)) },
	})
	if err != nil {
		c.done(connect.NewError(connect.CodeInvalidArgument, err))
		return
	}
	s := newSocket(ctx, t, conn, c)
	if !t.add(s) {
		s.end(errStopping())
	}
	go s.run()
}

// checkUpgrade returns an error for common mistakes of clients, with advice. The library checks everything else that the
// protocol requires.
func checkUpgrade(r *http.Request) error {
	if r.ProtoMajor != 1 {
		return gateway.Errorf(gateway.CodeFailedPrecondition, gateway.ReasonMalformedRequest,
			"a WebSocket is opened over HTTP/1.1")
	}
	offered := offeredProtocols(r)
	if len(offered) == 0 {
		return nil // JSON is the default
	}
	for _, one := range offered {
		if one == JSONProtocol || one == BinaryProtocol {
			return nil
		}
	}
	return gateway.FieldError("Sec-WebSocket-Protocol", "must offer %s or %s", JSONProtocol, BinaryProtocol)
}

func (t *Transport) show(ctx context.Context, err error) *connect.Error {
	return wire.ConnectError(ctx, t.config.Logger, err)
}

// add adds a connection. It returns false when the server is stopping and no longer waits for new connections.
func (t *Transport) add(s *socket) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return false
	}
	t.open.Add(1)
	t.sockets[s] = struct{}{}
	return true
}

func (t *Transport) remove(s *socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.sockets[s]; ok {
		delete(t.sockets, s)
		t.open.Done()
	}
}

// Run ends all connections when the server stops. It returns when they have ended, or earlier if ctx ends.
func (t *Transport) Run(ctx context.Context) error {
	select {
	case <-t.config.Stopping:
	case <-ctx.Done():
	}
	t.stop()
	t.open.Wait() // bounded by closeTimeout
	return nil
}

func (t *Transport) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	for s := range t.sockets {
		s.end(errStopping())
	}
}

func errStopping() error {
	return gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "the server is stopping; connect again")
}
