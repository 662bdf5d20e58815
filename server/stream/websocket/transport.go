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
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
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

// Client is who is at the other end of a connection, and what it may do. Its methods may be called from any goroutine.
type Client interface {
	// Ready says what the client is to know about the credentials it came with; nil when it has shown none. With an error
	// the connection ends.
	Ready(ctx context.Context) (*postriderv1.SocketReady, error)
	// Authenticate takes a key or a ticket in place of the credentials in force. Streams that are open go on under it.
	Authenticate(ctx context.Context, token string) (*postriderv1.SocketReady, error)
	// Subscribe confines the request to what the client may see and lets carry serve it, which is given a context that
	// ends when the stream has to, and the stream's entry. The error is that of carry, or why it was not called.
	Subscribe(ctx context.Context, request *postriderv1.SubscribeRequest, carry Carry) error
	// Update confines new filters of a stream to what the client may see.
	Update(request *postriderv1.SocketUpdate) error
	// Updated says that a stream carries something else from now on.
	Updated(entry *stream.Entry, request *postriderv1.SubscribeRequest)
	// Publish stores events in order, each for itself, and returns what has become of each. After an error that of all is
	// unknown.
	Publish(ctx context.Context, requests []*postriderv1.PublishRequest) ([]publish.Outcome, error)
	// Call is what the client's messages are charged to.
	Call() *limit.Call
	// Done is called once, at the end, with what the client was told, or would have been had it not left.
	Done(cause *connect.Error)
}

// Carry serves a stream that was let in.
type Carry = func(ctx context.Context, tenant *gateway.Tenant, entry *stream.Entry) error

// Config is what a Transport stands on.
type Config struct {
	Hub *stream.Hub
	// NewRequest reads what a subscriber asks for; errors name the field.
	NewRequest func(*gateway.Tenant, *postriderv1.SubscribeRequest) (stream.Request, error)
	// Encoding is that of a SubscribeResponse with an event, in JSON or in Protobuf.
	Encoding func(asJSON bool, format postriderv1.PayloadFormat) *stream.Encoding
	// Stopping is closed when the server begins to stop: connections end then.
	Stopping <-chan struct{}
	Logger   *slog.Logger
}

// Transport serves WebSockets.
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

// Serve answers an upgrade request and returns; the connection goes on without the request, whose memory is given back. It
// ends when either side ends it, when ctx does, or when the server stops. client hears of that, also when the request is
// refused.
func (t *Transport) Serve(ctx context.Context, w http.ResponseWriter, r *http.Request, client Client) {
	if err := checkUpgrade(r); err != nil {
		shown := t.show(ctx, err)
		wire.WriteError(w, r, t.config.Logger, shown)
		client.Done(shown)
		return
	}
	conn, err := Accept(w, r, Options{
		Subprotocols: []string{JSONProtocol, BinaryProtocol},
		Compress:     r.URL.Query().Get(wire.CompressionParameter) == wire.CompressionDeflate,
		Call:         client.Call(),
		Rate:         messageRate,
		Shared:       func(frames int) time.Duration { return t.rates.Reserve(client.Call().Key(), min(frames, keyRate)) },
	})
	if err != nil {
		client.Done(connect.NewError(connect.CodeInvalidArgument, err))
		return
	}
	s := newSocket(ctx, t, conn, client)
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
