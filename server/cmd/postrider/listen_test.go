package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const listenSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// hook is a receiver that verifies each request with the reference library.
type hook struct {
	bodies chan string
	status int
}

func newHookReceiver(t *testing.T, status int) *hook {
	t.Helper()
	return &hook{bodies: make(chan string, 100), status: status}
}

func (h *hook) handler(t *testing.T, secret string) http.HandlerFunc {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := verifier.Verify(body, r.Header); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		h.bodies <- string(body)
		w.WriteHeader(h.status)
		_, _ = io.WriteString(w, "no such order")
	}
}

func TestListenForwardsEventsAsWebhooks(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "publish", "order.created", `{"big":9007199254740993}`, "--id", "e1", "--subject", "7")
	i.must("", "publish", "customer.created", `{}`, "--id", "other")
	i.must("", "publish", "order.closed", `{"text":"é"}`, "--id", "e2")
	receiver := newHookReceiver(t, http.StatusNotFound)
	endpoint := httptest.NewServer(receiver.handler(t, listenSecret))
	t.Cleanup(endpoint.Close)
	got := i.run("", "listen", "--forward-to", endpoint.URL+"/hook", "--types", "order.*", "--start", "earliest", "--count", "2", "--secret", listenSecret)
	if got.code != exitOK {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	for _, want := range []string{`{"id":"e1","type":"order.created",`, `{"id":"e2","type":"order.closed",`} {
		if body := <-receiver.bodies; !strings.HasPrefix(body, want) {
			t.Errorf("got %s, want %s…", body, want)
		}
	}
	if lines := strings.Split(got.stdout, "\n"); len(lines) != 3 || !strings.Contains(lines[0], "  order.created  7  e1  404 Not Found: no such order  ") {
		t.Errorf("printed %q", got.stdout)
	}
	for _, want := range []string{"Ready: order.* at " + i.url + " (from earliest), forwarding to " + endpoint.URL + "/hook\n", "Signing secret: " + listenSecret + "\n"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("%q lacks %q", got.stderr, want)
		}
	}
}

// The printed secret is the one that the requests are signed with.
func TestListenPrintsItsSecret(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	printed := i.must("", "listen", "--print-secret")
	i.must("", "publish", "order.created", "{}")
	receiver := newHookReceiver(t, http.StatusNoContent)
	endpoint := httptest.NewServer(receiver.handler(t, strings.TrimSpace(printed)))
	t.Cleanup(endpoint.Close)
	i.must("", "listen", "--forward-to", endpoint.URL, "--start", "earliest", "--count", "1")
	<-receiver.bodies
	if set := i.must("", "listen", "--print-secret", "--secret", listenSecret); set != listenSecret+"\n" {
		t.Errorf("printed %q", set)
	}
}

// A receiver that is not there yet, or is being restarted, misses nothing.
func TestListenWaitsForItsReceiver(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	for n := range 3 {
		i.must("", "publish", "order.created", "{}", "--id", fmt.Sprintf("e%d", n))
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	waiting, ended := &watchedWriter{found: make(chan struct{}), text: "tries again"}, make(chan int, 1)
	variables := map[string]string{"POSTRIDER_URL": i.url, "POSTRIDER_DATA": i.folders, secretVariable: listenSecret}
	go func() {
		ended <- execute(t.Context(), environment{
			stdin: strings.NewReader(""), stdout: io.Discard, stderr: waiting,
			lookup: func(name string) (string, bool) { value, ok := variables[name]; return value, ok },
		}, []string{"listen", "--forward-to", address + "/hook", "--start", "earliest", "--count", "3"})
	}()
	<-waiting.found
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	receiver := newHookReceiver(t, http.StatusOK)
	endpoint := &http.Server{Handler: receiver.handler(t, listenSecret)}
	go func() { _ = endpoint.Serve(listener) }()
	t.Cleanup(func() { _ = endpoint.Close() })
	for n := range 3 {
		if body := <-receiver.bodies; !strings.Contains(body, fmt.Sprintf(`"id":"e%d"`, n)) {
			t.Errorf("event %d is %s", n, body)
		}
	}
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d", code)
	}
}

// Ctrl-C ends listen without an error, also while it waits for its receiver.
func TestListenIsInterrupted(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "publish", "order.created", "{}")
	waiting, ended := &watchedWriter{found: make(chan struct{}), text: "tries again"}, make(chan int, 1)
	ctx, interrupt := context.WithCancelCause(t.Context())
	variables := map[string]string{"POSTRIDER_URL": i.url, "POSTRIDER_DATA": i.folders}
	go func() {
		ended <- execute(ctx, environment{
			stdin: strings.NewReader(""), stdout: io.Discard, stderr: waiting,
			lookup: func(name string) (string, bool) { value, ok := variables[name]; return value, ok },
		}, []string{"listen", "--forward-to", "127.0.0.1:1", "--start", "earliest"})
	}()
	<-waiting.found
	interrupt(errors.New("interrupt"))
	if code := <-ended; code != exitOK || strings.Contains(waiting.written.String(), "interrupt") {
		t.Errorf("exit %d: %s", code, waiting.written.String())
	}
}

// watchedWriter tells when a text was written.
type watchedWriter struct {
	text    string
	found   chan struct{}
	written strings.Builder
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	before := strings.Contains(w.written.String(), w.text)
	w.written.Write(p)
	if !before && strings.Contains(w.written.String(), w.text) {
		close(w.found)
	}
	return len(p), nil
}

func TestListenPrintsRequests(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "publish", "order.created", `{"n": 1}`, "--id", "e1")
	first := i.run("", "listen", "--print", "--start", "earliest", "--count", "1")
	again := i.run("", "listen", "--print", "--start", "earliest", "--count", "1")
	if first.code != exitOK || again.code != exitOK {
		t.Fatalf("%+v %+v", first, again)
	}
	secret := secretIn(t, first.stderr)
	if secret != secretIn(t, again.stderr) || strings.Contains(first.stdout, secret) {
		t.Errorf("the secrets of two runs differ, or are printed with the events: %s %s", first.stderr, again.stderr)
	}
	head, body, _ := strings.Cut(first.stdout, "\n\n")
	header := http.Header{}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		header.Set(name, value)
	}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify([]byte(strings.TrimSuffix(body, "\n\n")), header); err != nil {
		t.Errorf("%s: %v", first.stdout, err)
	}
}

func secretIn(t *testing.T, said string) string {
	t.Helper()
	_, rest, found := strings.Cut(said, "Signing secret: ")
	secret, _, _ := strings.Cut(rest, "\n")
	if !found || !strings.HasPrefix(secret, "whsec_") {
		t.Fatalf("%q names no secret", said)
	}
	return secret
}

func TestListenRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{}, exitUsage, "give either --forward-to URL, --print or --print-secret"},
		{[]string{"--print", "--forward-to", "http://127.0.0.1:1"}, exitUsage, "give either --forward-to URL, --print or --print-secret"},
		{[]string{"--forward-to", "http://"}, exitUsage, "--forward-to: "},
		{[]string{"--forward-to", "ftp://localhost"}, exitUsage, "--forward-to: "},
		{[]string{"--forward-to", "/webhooks"}, exitUsage, "--forward-to: "},
		{[]string{"--print", "--secret", "hunter2"}, exitUsage, `a signing secret is "whsec_"`},
		{[]string{"--print", "--start", "tomorrow"}, exitRefused, "start"},
		{[]string{"--print", "--types", ""}, exitUsage, "--types has no value"},
	} {
		got := i.run("", append([]string{"listen"}, tt.args...)...)
		if got.code != tt.code || !strings.Contains(got.stderr, tt.want) || strings.Contains(got.stderr, "hunter2") {
			t.Errorf("%v: exit %d, %q; want %d and %q", tt.args, got.code, got.stderr, tt.code, tt.want)
		}
	}
}

// An event whose receiver hangs up was sent: listen says so and goes on. The receiver is given by its port alone.
func TestListenGoesOnAfterNoResponse(t *testing.T) {
	t.Parallel()
	i := newInstance(t)
	i.must("", "publish", "order.created", "{}", "--id", "e1")
	i.must("", "publish", "order.created", "{}", "--id", "e2")
	got := make(chan string, 10)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Webhook-Id")
		got <- id
		if id == "e1" {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(endpoint.Close)
	_, port, _ := net.SplitHostPort(endpoint.Listener.Addr().String())
	out := i.must("", "listen", "--forward-to", port, "--start", "earliest", "--count", "2")
	lines := strings.Split(out, "\n")
	if len(lines) != 3 || strings.Contains(lines[0], "200") || !strings.Contains(lines[0], "  e1  ") || !strings.Contains(lines[1], "  e2  200 OK  ") {
		t.Errorf("printed %q", out)
	}
	if first, second, more := <-got, <-got, len(got); first != "e1" || second != "e2" || more != 0 {
		t.Errorf("received %s, %s and %d more", first, second, more)
	}
}
