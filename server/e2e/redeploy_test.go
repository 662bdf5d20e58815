package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	goclient "github.com/postrider-dev/postrider/client"
)

// wrongFor is how long a proxy gives one wrong answer.
const wrongFor = 3 * time.Second

// answer is one that a proxy gives in place of the server.
func answer(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// echo returns with success in the form that the request has.
func echo(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		contentType := r.Header.Get("Content-Type")
		if contentType == "" {
			contentType = "text/event-stream"
		}
		answer(http.StatusOK, contentType, body)(w, r)
	}
}

const signIn = "<!doctype html><title>Sign in</title>"

// wrongAnswers are given by turns, each group through a proxy of its own.
var wrongAnswers = []map[string]http.HandlerFunc{
	{
		"a page with 200": answer(200, "text/html", signIn),
		"a page with 403": answer(403, "text/html", signIn),
		"a page with 404": answer(404, "text/html", signIn),
		"a page with 500": answer(500, "text/html", signIn),
		"a page with 520": answer(520, "text/html", signIn),
	},
	{
		"a page with 401":        answer(401, "text/html", signIn),
		"a page with 400":        answer(400, "text/html", signIn),
		"a page with 502":        answer(502, "text/html", signIn),
		"a way to a login":       answer(302, "text/html", signIn, "Location", "/login"),
		"a way to another host":  answer(307, "text/html", signIn, "Location", "http://127.0.0.1:1/"),
		"a wrong way to wait on": answer(429, "text/html", signIn, "Retry-After", "1"),
	},
	{
		"nothing, with 200":          echo(""),
		"nothing, with 204":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"half a message":             echo("\x0a\x40half"),
		"half an envelope":           echo("\x00\x00\x00\x00\x40half"),
		"an end without a beginning": echo("\x02\x00\x00\x00\x02{}"),
		"a message that is no event": echo("{}"),
	},
	{
		"another API's error":         answer(403, "application/json", `{"message":"no route"}`),
		"another service's refusal":   answer(403, "application/json", `{"code":"permission_denied","message":"no"}`),
		"a gateway's gRPC status":     answer(200, "application/grpc", "", "Grpc-Status", "12"),
		"another stream":              answer(200, "text/event-stream", "id: 9\ndata: {\"id\":\"evt_x\",\"type\":\"a\"}\n\n"),
		"a connection that is cut":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"another event's acknowledge": answer(200, "application/json", `{"id":"x","cursor":"y"}`),
	},
}

// redeployed is a proxy that answers by itself while it has a wrong answer, over HTTP/1.1 and HTTP/2.
type redeployed struct {
	*httptest.Server
	wrong atomic.Pointer[http.HandlerFunc]
}

func newRedeployed(t *testing.T, to string) *redeployed {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	h2c, both := new(http.Protocols), new(http.Protocols)
	h2c.SetUnencryptedHTTP2(true)
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	pass := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{Protocols: h2c}, FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	p := &redeployed{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wrong := p.wrong.Load(); wrong != nil {
			(*wrong)(w, r)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	p.Config.Protocols = both
	p.Start()
	t.Cleanup(func() { p.CloseClientConnections(); p.Close() })
	return p
}

// sightings are what clients have acknowledged and seen, by client.
type sightings struct {
	t *testing.T

	mu    sync.Mutex
	acked map[string]bool
	// seen counts, for each stream, how often each event came; progress, what each client did.
	seen     map[string]map[string]int
	progress map[string]int
	changed  chan struct{}
}

func newSightings(t *testing.T) *sightings {
	return &sightings{
		t: t, acked: map[string]bool{}, seen: map[string]map[string]int{}, progress: map[string]int{}, changed: make(chan struct{}, 1),
	}
}

func (s *sightings) note(what, who, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress[what+" "+who]++
	switch what {
	case "acked":
		s.acked[id] = true
	case "seen":
		if s.seen[who] == nil {
			s.seen[who] = map[string]int{}
		}
		s.seen[who][id]++
	case "ended":
		s.t.Errorf("%s ended: %s", who, id)
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// await waits until holds says so.
func (s *sightings) await(what string, holds func() bool) {
	s.t.Helper()
	timeout := time.After(2 * patience)
	for {
		s.mu.Lock()
		done := holds()
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-s.changed:
		case <-timeout:
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("%s: %v", what, s.progress)
		}
	}
}

// parties are the clients that have to go on.
var parties = []string{"acked go", "acked go-stream", "acked rpc", "acked light", "seen go", "seen rpc", "seen light"}

// awaitProgress waits until each client has published or read twice more.
func (s *sightings) awaitProgress(after string) {
	s.t.Helper()
	s.mu.Lock()
	before := map[string]int{}
	for _, party := range parties {
		before[party] = s.progress[party]
	}
	s.mu.Unlock()
	s.await("after "+after, func() bool {
		for _, party := range parties {
			if s.progress[party] < before[party]+2 {
				return false
			}
		}
		return true
	})
}

// check looks that every stream has brought every acknowledged event once, and nothing twice.
func (s *sightings) check() {
	s.t.Helper()
	s.await("the last events", func() bool {
		for _, seen := range s.seen {
			for id := range s.acked {
				if seen[id] == 0 {
					return false
				}
			}
		}
		return len(s.seen) == 3
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for who, seen := range s.seen {
		for id, times := range seen {
			if times != 1 {
				s.t.Errorf("%s has seen %s %d times", who, id, times)
			}
			if !s.acked[id] {
				s.t.Errorf("%s has seen %s, which nobody was told is stored", who, id)
			}
		}
	}
	s.t.Logf("%d events acknowledged, each seen once by %d streams", len(s.acked), len(s.seen))
}

// Must show 4 of issue 8: clients behind a proxy that gives every wrong answer for 3 s by turns. Streams and publishes of the
// clients for Go, TypeScript over RPC and TypeScript light go on; nothing is lost and nothing doubled.
func TestClientsOutlastEveryWrongAnswerOfARedeploy(t *testing.T) {
	for i, wrong := range wrongAnswers {
		t.Run(fmt.Sprintf("group %d", i+1), func(t *testing.T) {
			t.Parallel()
			server := newServer(t)
			server.mustStart()
			proxy, seen := newRedeployed(t, server.url()), newSightings(t)
			stop := startClients(t, proxy.URL, seen)
			seen.awaitProgress("the start")
			for name, handler := range wrong {
				proxy.wrong.Store(&handler)
				proxy.CloseClientConnections()
				pause(t.Context(), wrongFor)
				proxy.wrong.Store(nil)
				seen.awaitProgress(name)
			}
			stop()
			seen.check()
		})
	}
}

// startClients lets all clients publish and read. What it returns ends the publishing once all of it is acknowledged.
func startClients(t *testing.T, url string, seen *sightings) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := goclient.New(url, goclient.WithKey(adminKey))
	stopping := make(chan struct{})
	var publishers, readers sync.WaitGroup
	publishers.Go(func() { publishByGo(ctx, c, stopping, seen) })
	publishers.Go(func() { publishByGoStream(ctx, c, stopping, seen) })
	readers.Go(func() {
		for event, err := range goclient.Subscribe[*shopv1.OrderCancelled](ctx, c,
			goclient.Start(goclient.Earliest), goclient.Heartbeat(time.Second)) {
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				seen.note("ended", "go", err.Error())
				return
			}
			seen.note("seen", "go", event.GetId())
		}
	})
	node := exec.Command("node", fromTop(t, "server/e2e/testdata/redeploy/clients.mjs"), fromTop(t, "web/client/dist"),
		fromTop(t, "gen/descriptors/shop.v1.binpb"), url, adminKey, "ts")
	log := &tailBuffer{}
	node.Stderr = log
	input, _ := node.StdinPipe()
	output, _ := node.StdoutPipe()
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	readers.Go(func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if words := strings.SplitN(lines.Text(), " ", 3); len(words) == 3 {
				seen.note(words[0], words[1], words[2])
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = node.Process.Kill()
		publishers.Wait() // What they report after the test has ended would hide why it failed.
		readers.Wait()
		_ = node.Wait()
		if t.Failed() {
			t.Logf("node: %v", log)
		}
	})
	return func() {
		close(stopping)
		_ = input.Close()
		publishers.Wait()
		seen.await("the last acknowledgements", func() bool {
			return seen.progress["stopped rpc"]+seen.progress["stopped light"] == 2
		})
	}
}

func newCancelled(id string) *shopv1.OrderCancelled {
	return &shopv1.OrderCancelled{OrderId: id, CancelTime: timestamppb.Now()}
}

func publishByGo(ctx context.Context, c *goclient.Client, stopping <-chan struct{}, seen *sightings) {
	for n := 0; ; n++ {
		select {
		case <-stopping:
			return
		case <-time.After(50 * time.Millisecond):
		}
		id := fmt.Sprintf("go-%d", n)
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		_, err := c.Publish(ctx, newCancelled(id), goclient.ID(id))
		cancel()
		if err != nil {
			seen.note("ended", "go", err.Error())
			return
		}
		seen.note("acked", "go", id)
	}
}

func publishByGoStream(ctx context.Context, c *goclient.Client, stopping <-chan struct{}, seen *sightings) {
	stream := c.PublishStream(ctx, goclient.OnAck(func(ack goclient.Ack) { seen.note("acked", "go-stream", ack.ID) }))
	for n := 0; ; n++ {
		select {
		case <-stopping:
			if _, err := stream.Close(ctx); err != nil {
				seen.note("ended", "go-stream", err.Error())
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
		id := fmt.Sprintf("gs-%d", n)
		if err := stream.Publish(ctx, newCancelled(id), goclient.ID(id)); err != nil {
			seen.note("ended", "go-stream", err.Error())
			return
		}
	}
}
