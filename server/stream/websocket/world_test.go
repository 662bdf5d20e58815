package websocket_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream/rpcstream"
	"github.com/postrider-dev/postrider/server/stream/streamtest"
	"github.com/postrider-dev/postrider/server/stream/websocket"
)

// serve serves the transport of a world, which publishes to a log, until the test ends. It returns what is closed when the transport
// has stopped.
func serve(t *testing.T, w *streamtest.World, log publish.Log) (stopped <-chan struct{}) {
	t.Helper()
	transport, err := websocket.New(websocket.Config{
		Access: w.Access, Live: w.Live, Publisher: publish.New(log, w.Schemas), Hub: w.Hub, NewRequest: rpcstream.NewRequest,
		Encoding: rpcstream.New(w.Hub, w.View).Encoding, Stopping: w.Stopping, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = transport.Run(context.Background())
	}()
	w.Serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		transport.ServeHTTP(rw, r.WithContext(limit.With(r.Context(), bounded(1<<20))))
	}))
	t.Cleanup(func() {
		w.Stop()
		<-ended
	})
	return ended
}

// world is a streamtest.World that serves the transport.
type world struct {
	*streamtest.World
	t       *testing.T
	log     *log
	stopped <-chan struct{}
	// known says that clients come with a key.
	known bool
}

// log is where clients publish to.
type log struct {
	*store.Store
	// before is called with the events of a commit; nil for nothing.
	before func(events []store.NewEvent) error
}

// Append implements publish.Log.
func (l *log) Append(ctx context.Context, revision int64, events []store.NewEvent) ([]store.Appended, error) {
	if l.before != nil {
		if err := l.before(events); err != nil {
			return nil, err
		}
	}
	return l.Store.Append(ctx, revision, events)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := streamtest.New(t)
	to := &log{Store: w.Store}
	return &world{World: w, t: t, log: to, stopped: serve(t, w, to), known: true}
}

func (w *world) stop() {
	w.Stop()
	<-w.stopped
}

// ended returns the code with which the next connection ends, from its line in the log.
func (w *world) ended() string {
	_, rest, _ := strings.Cut(<-w.Log, " code=")
	code, _, _ := strings.Cut(rest, " ")
	return code
}

// append commits n events at once.
func (w *world) append(n int, data string) {
	w.t.Helper()
	w.Publish(n, &gateway.Event{Subject: "one", Data: []byte(data)})
}

// dial opens a WebSocket in memory.
func (w *world) dial(header ...string) *rawClient {
	w.t.Helper()
	client, err := w.Dial()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = client.Close() })
	if w.known {
		header = append(header, "Authorization: Bearer "+streamtest.AdminKey)
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
