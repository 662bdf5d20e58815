// Package websocket carries live streams over WebSockets: several subscriptions on one connection, each with its own
// place, and publishes.
package websocket

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
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

// messageRate is how many messages a client may send a second.
const messageRate = 1000

// keyRate is how many messages all clients of a key may send a second, or of an address as long as they have shown none. A
// processor reads and stores several times as many; those of a hundred connections took all processors there were.
const keyRate = 5_000

// Config is what a Transport stands on.
type Config struct {
	Access    *access.Control
	Live      *live.Registry
	Publisher *publish.Publisher
	Hub       *stream.Hub
	// NewRequest reads what a subscriber asks for; errors name the field.
	NewRequest func(*gateway.Tenant, *postriderv1.SubscribeRequest) (stream.Request, error)
	// Encoding is that of a SubscribeResponse with an event, in JSON or in Protobuf.
	Encoding func(asJSON bool, format postriderv1.PayloadFormat) *stream.Encoding
	// Origins are those whose pages may connect, besides the server's own.
	Origins []string
	// Stopping is closed when the server begins to stop: connections end then.
	Stopping <-chan struct{}
	Logger   *slog.Logger
}

// Transport is the handler of WebSockets.
type Transport struct {
	config   Config
	requests *wire.Requests
	// rates are those of keys.
	rates *limit.Rates

	mu      sync.Mutex
	stopped bool
	sockets map[*socket]struct{}
	open    sync.WaitGroup
}

// New makes a transport.
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

// upgrade makes a connection of a request whose client is admitted.
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

// checkUpgrade says what a client could do better. What else the protocol asks for, the library says.
func checkUpgrade(r *http.Request) error {
	if r.ProtoMajor != 1 {
		return gateway.Errorf(gateway.CodeFailedPrecondition, gateway.ReasonMalformedRequest,
			"a WebSocket is opened over HTTP/1.1")
	}
	offered := offeredProtocols(r)
	if len(offered) == 0 {
		return nil // JSON.
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

// add takes a connection in; false when the server is stopping, and nobody waits for its end any more.
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

// Run ends all connections when the server stops, and returns when they have ended, or with ctx before that.
func (t *Transport) Run(ctx context.Context) error {
	select {
	case <-t.config.Stopping:
	case <-ctx.Done():
	}
	t.stop()
	t.open.Wait() // Bounded by closeTimeout.
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
