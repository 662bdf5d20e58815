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

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
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
	*store.Store

	t        *testing.T
	tenant   *gateway.Tenant
	listener *pipes
	stopping chan struct{}
	stopped  chan struct{}
	// done has the code that each connection ended with, from its line in the log.
	done chan string
	// known says that clients come with a key.
	known bool
	// beforeAppend is called with the events of a commit; nil for nothing.
	beforeAppend func(events []store.NewEvent) error
}

// adminKey is the key that clients come with.
const adminKey = "the-admin-key-of-these-tests"

// Append implements publish.Log.
func (w *world) Append(ctx context.Context, revision int64, events []store.NewEvent) ([]store.Appended, error) {
	if w.beforeAppend != nil {
		if err := w.beforeAppend(events); err != nil {
			return nil, err
		}
	}
	return w.Store.Append(ctx, revision, events)
}

// Handle implements slog.Handler: it keeps the codes of connections.
func (w *world) Handle(_ context.Context, record slog.Record) error {
	if record.Message == "request" {
		record.Attrs(func(attribute slog.Attr) bool {
			if attribute.Key == "code" {
				w.done <- attribute.Value.String()
			}
			return true
		})
	}
	return nil
}

// Enabled implements slog.Handler.
func (w *world) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (w *world) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements slog.Handler.
func (w *world) WithGroup(string) slog.Handler { return w }

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
		t: t, Store: log, known: true, stopping: make(chan struct{}), stopped: make(chan struct{}),
		listener: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, done: make(chan string, 1000),
	}
	if w.tenant, err = log.TenantByName(t.Context(), gateway.DefaultTenant); err != nil {
		t.Fatal(err)
	}
	schemas := schema.NewRegistry()
	hub := stream.New(log, recent, filter.NewCompiler(schemas), w.stopping)
	encodings := rpcstream.New(hub, func(payload gateway.PayloadFormat) wire.EventView {
		return wire.NewEventView(schemas, log.Cursor, payload)
	})
	control, err := access.New(access.Config{
		Store: log, Keyring: ring, AdminKey: access.HashKey(adminKey), Services: access.Services(),
		// A fifth less than the messages that are read at all, of 1 MiB.
		MaxRequestBytes: 838_861, Bodies: limit.NewBudget(1 << 30), Logger: slog.New(w),
	})
	if err != nil {
		t.Fatal(err)
	}
	transport, err := websocket.New(websocket.Config{
		Access: control, Live: live.New(control, 1000), Publisher: publish.New(w, schemas),
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
		transport.ServeHTTP(rw, r.WithContext(limit.With(r.Context(), bounded(1<<20))))
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
			Tenant: w.tenant.ID, ID: fmt.Sprintf("e-%d-%d", w.Head(), i), Type: "a", Source: gateway.DefaultSource,
			Time: time.Now(), Data: []byte(data), Subject: "one",
		}
	}
	if _, err := w.Append(w.t.Context(), w.RegistryRevision(), events); err != nil {
		w.t.Fatal(err)
	}
}

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
	if w.known {
		header = append(header, "Authorization: Bearer "+adminKey)
	}
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
