package websocket_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/stream/rpcstream"
	"github.com/postrider-dev/postrider/server/stream/websocket"
	"github.com/postrider-dev/postrider/server/tail"
	"github.com/postrider-dev/postrider/server/wire"
)

// world is a log and a transport that reads from it, behind an HTTP server in memory: time in it is that of the bubble.
type world struct {
	t        *testing.T
	store    *store.Store
	tenant   *gateway.Tenant
	listener *pipes
	stopping chan struct{}
	stopped  chan struct{}
	// done has what each connection ended with.
	done chan *connect.Error
	// known says that clients come with credentials.
	known bool
	// publish stands for the publisher.
	publish func(requests []*postriderv1.PublishRequest) ([]publish.Outcome, error)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	ring, err := seal.LoadKeyring("", dir)
	if err != nil {
		t.Fatal(err)
	}
	log, err := store.Open(t.Context(), store.Config{Data: dir, Keyring: ring, Logger: slog.New(slog.DiscardHandler), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	recent := tail.New(log.Head(), tail.DefaultBytes)
	log.OnCommit(recent.Append)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	w := &world{
		t: t, store: log, known: true, stopping: make(chan struct{}), stopped: make(chan struct{}),
		listener: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, done: make(chan *connect.Error, 10),
	}
	if w.tenant, err = log.TenantByName(t.Context(), gateway.DefaultTenant); err != nil {
		t.Fatal(err)
	}
	schemas := schema.NewRegistry()
	hub := stream.New(log, recent, filter.NewCompiler(schemas), w.stopping)
	encodings := rpcstream.New(hub, func(payload gateway.PayloadFormat) rpcstream.View {
		return wire.NewEventView(schemas, log.Cursor, payload)
	})
	transport, err := websocket.New(websocket.Config{
		Hub: hub, NewRequest: rpcstream.NewRequest, Encoding: encodings.Encoding,
		Stopping: w.stopping, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.stopped)
		_ = transport.Run(context.Background())
	}()
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		transport.Serve(context.WithoutCancel(r.Context()), rw, r, guest{w})
	})}
	go func() { _ = server.Serve(w.listener) }()
	t.Cleanup(func() {
		w.stop()
		_ = server.Close()
		cancel()
		if err := errors.Join(<-ended, log.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) stop() {
	select {
	case <-w.stopping:
	default:
		close(w.stopping)
	}
	<-w.stopped
}

// append commits n events at once.
func (w *world) append(n int, data string) {
	w.t.Helper()
	events := make([]store.NewEvent, n)
	for i := range events {
		events[i].Event = &gateway.Event{
			Tenant: w.tenant.ID, ID: fmt.Sprintf("e-%d-%d", w.store.Head(), i), Type: "a", Source: gateway.DefaultSource,
			Time: time.Now(), Data: []byte(data), Subject: "one",
		}
	}
	if _, err := w.store.Append(w.t.Context(), w.store.RegistryRevision(), events); err != nil {
		w.t.Fatal(err)
	}
}

// guest is a client that may do anything.
type guest struct{ w *world }

func (g guest) Call() *limit.Call { return bounded(1 << 20) }

func (g guest) Ready(context.Context) (*postriderv1.SocketReady, error) {
	if !g.w.known {
		return nil, nil
	}
	return &postriderv1.SocketReady{}, nil
}

func (g guest) Authenticate(context.Context, string) (*postriderv1.SocketReady, error) {
	return &postriderv1.SocketReady{}, nil
}

func (g guest) Subscribe(ctx context.Context, _ *postriderv1.SubscribeRequest, carry websocket.Carry) error {
	return carry(ctx, g.w.tenant, &stream.Entry{})
}

func (g guest) Update(*postriderv1.SocketUpdate) error { return nil }

func (g guest) Updated(*stream.Entry, *postriderv1.SubscribeRequest) {}

func (g guest) Publish(_ context.Context, requests []*postriderv1.PublishRequest) ([]publish.Outcome, error) {
	return g.w.publish(requests)
}

func (g guest) Done(cause *connect.Error) { g.w.done <- cause }

// pipes is a listener for connections in memory.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

// dial opens a WebSocket in memory.
func (w *world) dial(header ...string) *rawClient {
	w.t.Helper()
	client, server := net.Pipe()
	w.t.Cleanup(func() { _ = client.Close() })
	w.listener.conns <- server
	c := greet(w.t, client, "test", "", header...)
	if c.answer.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(c.answer.Body)
		w.t.Fatalf("upgrade: %s %s", c.answer.Status, body)
	}
	return c
}

// ask sends a request in JSON.
func (c *rawClient) ask(format string, args ...any) {
	c.send(0, text(fmt.Sprintf(format, args...)))
}

// told is a response in JSON, as far as these tests look at it.
type told struct {
	raw                 string
	ID                  string
	Ready, Pong         *struct{}
	Message             *struct{ Begin, Event, Heartbeat json.RawMessage }
	Published           *struct{ ID string }
	Error               *struct{ Code, Reason, Message string }
	End                 *struct{ Code string }
	Updated             *struct{ Cursor string }
	Subscription, Cause string
}

// tell is the next response that is no heartbeat.
func (c *rawClient) tell() told {
	c.t.Helper()
	for {
		f := c.next()
		one := told{raw: f.payload}
		if err := json.Unmarshal([]byte(f.payload), &one); err != nil || f.op != opText {
			c.t.Fatalf("got %v: %v", f, err)
		}
		if one.Message == nil || one.Message.Heartbeat == nil {
			return one
		}
	}
}

func (c *rawClient) expect(what string) told {
	c.t.Helper()
	one := c.tell()
	if !strings.Contains(one.raw, `"`+what+`":`) {
		c.t.Fatalf("got %s, want %s", one.raw, what)
	}
	return one
}
