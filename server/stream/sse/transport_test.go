package sse_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream/rpcstream"
	"github.com/postrider-dev/postrider/server/stream/sse"
	"github.com/postrider-dev/postrider/server/stream/streamtest"
)

// newTransport makes the transport of a world.
func newTransport(w *streamtest.World) *sse.Transport {
	return sse.New(sse.Config{
		Access: w.Access, Live: w.Live, Hub: w.Hub, NewRequest: rpcstream.NewRequest, View: w.View, Logger: slog.New(slog.DiscardHandler),
	})
}

// world is a streamtest.World with its transport, which tests call without a server.
type world struct {
	*streamtest.World
	t         *testing.T
	transport *sse.Transport
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := streamtest.New(t)
	return &world{w, t, newTransport(w)}
}

// publish commits n events at once.
func (w *world) publish(n int) { w.t.Helper(); w.Publish(n, &gateway.Event{}) }

// connection is the server's end of one, which keeps what is written and when it is flushed.
type connection struct {
	header http.Header
	err    error
	// held keeps writes waiting until it is closed; nil for none.
	held chan struct{}

	mu      sync.Mutex
	pending strings.Builder
	flushed []string
	writes  int
}

func (c *connection) Header() http.Header { return c.header }
func (c *connection) WriteHeader(int)     {}

func (c *connection) Write(p []byte) (int, error) {
	c.mu.Lock()
	held := c.held
	c.mu.Unlock()
	if held != nil {
		<-held
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	c.pending.Write(p)
	return len(p), c.err
}

func (c *connection) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushed = append(c.flushed, c.pending.String())
	c.pending.Reset()
}

// take returns what was flushed since the last call.
func (c *connection) take() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.flushed
	c.flushed = nil
	return taken
}

// serve streams what the query asks for into a connection until the test ends.
func (w *world) serve(accept, query string) *connection {
	return w.serveTo("Bearer "+streamtest.AdminKey, accept, query)
}

func (w *world) serveTo(authorization, accept, query string) *connection {
	ctx, cancel := context.WithCancel(context.Background())
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, sse.Path+"?"+query, http.NoBody)
	request.Header.Set("Accept", accept)
	request.Header.Set("Authorization", authorization)
	to := &connection{header: http.Header{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.transport.ServeHTTP(to, request)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-ended
	})
	return to
}

const filtered = "never"

// A ping comes at the interval asked for. Where that is longer than proxies have patience, comments come in between.
func TestPingsAndComments(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		asked, step time.Duration
		comments    int // between two pings
	}{
		{0, 15 * time.Second, 0},
		{100 * time.Millisecond, 100 * time.Millisecond, 0},
		{10 * time.Second, 10 * time.Second, 0},
		{20 * time.Second, 10 * time.Second, 1},
		{time.Minute, 15 * time.Second, 3},
		{5 * time.Minute, 15 * time.Second, 19},
	} {
		t.Run(tt.asked.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				asked := "types=" + filtered
				if tt.asked != 0 {
					asked += "&heartbeat=" + tt.asked.String()
				}
				to := w.serve("", asked)
				if opened := to.take(); len(opened) != 1 || !strings.Contains(opened[0], "event: begin\nid: ") {
					t.Fatalf("opens with %q", opened)
				}
				ping := "event: ping\ndata: {\"cursor\":\"" + w.Store.Cursor(0).String() + "\",\"live\":true}\n\n"
				for range 3 {
					for range tt.comments {
						time.Sleep(tt.step)
						if got := to.take(); len(got) != 1 || got[0] != ":\n\n" {
							t.Fatalf("got %q, want a comment", got)
						}
					}
					time.Sleep(tt.step)
					if got := to.take(); len(got) != 1 || got[0] != ping {
						t.Fatalf("got %q, want %q", got, ping)
					}
				}
				w.publish(1)
				place := w.Cursor()
				time.Sleep(tt.step * time.Duration(tt.comments+1))
				moved := "event: ping\nid: " + place + "\ndata: {\"cursor\":\"" + place + "\",\"live\":true}\n\n"
				if got := to.take(); len(got) != tt.comments+1 || got[tt.comments] != moved {
					t.Errorf("got %q, want %q at the end", got, moved)
				}
			})
		})
	}
}

// A reader that does not keep up is told how many events it does not get, where they would have been.
func TestDroppedEventsAreTold(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                     "event: dropped\nid: %s\ndata: {\"events\":\"144\"}\n\n",
		"application/x-ndjson": "{\"cursor\":\"%s\",\"dropped\":{\"events\":\"144\"}}\n",
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				to := w.serve(accept, "slow_policy=drop")
				to.take()
				held := make(chan struct{})
				to.mu.Lock()
				to.held = held
				to.mu.Unlock()
				w.publish(1)
				synctest.Wait()
				for range 4 {
					w.publish(100)
				}
				synctest.Wait()
				close(held)
				told := strings.ReplaceAll(strings.Join(to.take(), ""), ", ", ",")
				if want := fmt.Sprintf(want, w.Store.Cursor(145)); !strings.Contains(told, want) {
					t.Errorf("told %.300s, want %s", told, want)
				}
			})
		})
	}
}

// What is ready goes out in one write and one flush, in both forms.
func TestABatchIsFlushedOnce(t *testing.T) {
	t.Parallel()
	for accept, mark := range map[string]string{"": "\ndata: {\"id\":", "application/x-ndjson": `"event":{"id":`} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				to := w.serve(accept, "")
				to.take()
				to.writes = 0
				w.publish(50)
				if got := to.take(); len(got) != 1 || to.writes != 1 || strings.Count(got[0], mark) != 50 {
					t.Errorf("%d flushes and %d writes: %q", len(got), to.writes, got)
				}
			})
		})
	}
}

func TestTheFormIsChosenByAccept(t *testing.T) {
	t.Parallel()
	const events, lines = "text/event-stream", "application/x-ndjson"
	for accept, want := range map[string]string{
		"": events, "*/*": events, events: events, lines: lines, "application/X-NDJSON; q=1": lines, lines + ", " + events: events,
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				to := newWorld(t).serve(accept, "")
				to.take()
				if got := to.header.Get("Content-Type"); got != want {
					t.Errorf("%q gets %s, want %s", accept, got, want)
				}
			})
		})
	}
}

// A client that is gone ends its stream, which is nobody's fault.
func TestAWriteThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	to := &connection{header: http.Header{}, err: errors.New("broken pipe")}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, sse.Path, http.NoBody)
	request.Header.Set("Authorization", "Bearer "+streamtest.AdminKey)
	w.transport.ServeHTTP(to, request)
	logged := <-w.Log
	if !strings.Contains(logged, "code=canceled") || !strings.Contains(logged, "broken pipe") || to.writes != 1 {
		t.Errorf("after %d writes it is logged as %s", to.writes, logged)
	}
}

func TestAStreamTellsWhatItIsCalled(t *testing.T) {
	t.Parallel()
	id := regexp.MustCompile(`"str_[a-z0-9]{26}"`)
	for _, tt := range []struct{ name, accept, start, want string }{
		{"SSE", "text/event-stream", "now", `"live":true,"stream":"str_1","expireTime":"2000-01-01T00:15:00Z"}` + "\n\n"},
		{"NDJSON", "application/x-ndjson", "now", `"begin":{"stream":"str_1","expireTime":"2000-01-01T00:15:00Z","live":true}`},
		{"SSE with a gap", "text/event-stream", gateway.Cursor{Incarnation: gateway.Incarnation{1}, Position: 2}.String(), `"live":true,"stream":"str_1"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				query := url.Values{"start": {tt.start}, "ticket": {w.ticket()}}
				told := strings.Join(w.serveTo("", tt.accept, query.Encode()).take(), "")
				told = strings.ReplaceAll(told, ", ", ",") // Spaces in JSON of messages come and go.
				told = id.ReplaceAllString(told, `"str_1"`)
				if !strings.Contains(told, tt.want) {
					t.Errorf("it begins with %s, want %s", told, tt.want)
				}
			})
		})
	}
}

// ticket makes one that is good for 15 minutes.
func (w *world) ticket() string {
	w.t.Helper()
	caller, err := w.Access.ByKey(w.t.Context(), streamtest.AdminKey)
	if err != nil {
		w.t.Fatal(err)
	}
	text, _ := w.Access.NewTicket(caller, w.Tenant.ID, gateway.Filter{}, 15*time.Minute)
	return text
}
