package egress_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
)

// loopback permits the receivers of these tests.
func loopback(t testing.TB) egress.Guard {
	return egress.Guard{Allow: parseAllow(t, "127.0.0.0/8,::1")}
}

func newClient(t testing.TB, config egress.Config) *egress.Client {
	client := egress.New(config)
	t.Cleanup(client.CloseIdle)
	return client
}

func receiver(t testing.TB, handle http.HandlerFunc) string {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func post(t testing.TB, target, body string) egress.Request {
	t.Helper()
	u, err := egress.ParseURL(target)
	if err != nil {
		t.Fatal(err)
	}
	return egress.Request{
		Method: http.MethodPost, URL: u, Header: http.Header{"Content-Type": {"application/json"}},
		Body: []byte(body), Timeout: 10 * time.Second, Keep: 1024,
	}
}

func TestDoSendsAndReads(t *testing.T) {
	t.Parallel()
	target := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", fmt.Sprint(r.Method, " ", r.URL, " ", r.ContentLength, " ", r.Header))
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(body)
	})
	client := newClient(t, egress.Config{Guard: loopback(t)})
	result, err := client.Do(t.Context(), post(t, target+"/hook?a=b", `{"n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	seen := result.Header.Get("X-Seen")
	if result.StatusCode != http.StatusAccepted || string(result.Body) != `{"n":1}` || result.Truncated {
		t.Errorf("result = %+v", result)
	}
	if !strings.HasPrefix(seen, "POST /hook?a=b 7 ") || !strings.Contains(seen, "application/json") {
		t.Errorf("the receiver saw %q", seen)
	}
	for _, absent := range []string{"Idempotency-Key", "Accept-Encoding", "Cookie"} {
		if strings.Contains(seen, absent) {
			t.Errorf("%s was sent: %s", absent, seen)
		}
	}
}

func TestDoMeasures(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(server.Close)
	client := newClient(t, egress.Config{Guard: loopback(t), RootCAs: rootsOf(server)})
	request := func() egress.Request { return post(t, server.URL, "{}") }
	first, err := client.Do(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.Do(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	if first.Reused || first.Timings.Connect <= 0 || first.Timings.TLS <= 0 || first.Timings.FirstByte <= 0 {
		t.Errorf("first request: %+v", first)
	}
	if spent := first.Timings.Connect + first.Timings.TLS + first.Timings.FirstByte; spent > first.Timings.Total {
		t.Errorf("parts %v exceed the total %v", spent, first.Timings.Total)
	}
	if !second.Reused || second.Timings.Connect != 0 || second.Timings.TLS != 0 || second.Timings.FirstByte <= 0 {
		t.Errorf("second request: %+v", second)
	}
	if want := server.Listener.Addr().String(); first.Address != want || second.Address != want {
		t.Errorf("addresses %q and %q, want %q", first.Address, second.Address, want)
	}
}

func rootsOf(server *httptest.Server) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return roots
}

func TestDoSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	proto := make(chan string, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto <- r.Proto
		_, _ = io.Copy(w, r.Body)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newClient(t, egress.Config{Guard: loopback(t), RootCAs: rootsOf(server)})
	for _, reused := range []bool{false, true} {
		result, err := client.Do(t.Context(), post(t, server.URL, "{}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := <-proto; got != "HTTP/2.0" || string(result.Body) != "{}" || result.Reused != reused || result.Address == "" {
			t.Errorf("%s: %+v", got, result)
		}
	}
}

// closing calls closed when the connection is closed for the first time.
type closing struct {
	net.Conn
	closed func()
}

func (c closing) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

// Requests that all find no connection dial one each, and HTTP/2 needs a single one: the others must not stay open.
func TestConnectionsThatHTTP2DoesNotNeedAreClosed(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	var requests, open sync.WaitGroup
	client := newClient(t, egress.Config{
		Guard: loopback(t), RootCAs: rootsOf(server), Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			open.Add(1)
			return closing{c, sync.OnceFunc(open.Done)}, nil
		},
	})
	for range 32 {
		requests.Go(func() {
			result, err := client.Do(t.Context(), post(t, server.URL, "{}"))
			if err != nil || string(result.Body) != "{}" {
				t.Errorf("result %+v, error %v", result, err)
			}
		})
	}
	requests.Wait()
	client.CloseIdle()
	open.Wait()
}

func TestRedirectsAreAnswersNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	elsewhere := receiver(t, func(http.ResponseWriter, *http.Request) { followed.Store(true) })
	client := newClient(t, egress.Config{Guard: loopback(t)})
	for _, status := range []int{301, 302, 303, 307, 308} {
		target := receiver(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, status) })
		result, err := client.Do(t.Context(), post(t, target, "{}"))
		if err != nil || result.StatusCode != status || result.Header.Get("Location") != elsewhere {
			t.Errorf("%d: result %+v, error %v", status, result, err)
		}
	}
	if followed.Load() {
		t.Error("a redirect was followed")
	}
}

func TestNoProxyFromTheEnvironment(t *testing.T) {
	var asked atomic.Bool
	proxy := receiver(t, func(http.ResponseWriter, *http.Request) { asked.Store(true) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"} {
		t.Setenv(name, proxy)
	}
	target := receiver(t, func(http.ResponseWriter, *http.Request) {})
	client := newClient(t, egress.Config{
		Guard: egress.Guard{Allow: parseAllow(t, "127.0.0.0/8"), Resolver: resolver{"receiver.example": {"127.0.0.1"}}},
	})
	result, err := client.Do(t.Context(), post(t, named(t, target, "receiver.example"), "{}"))
	if err != nil || result.StatusCode != http.StatusOK || asked.Load() {
		t.Errorf("result %+v, error %v, proxy asked: %v", result, err, asked.Load())
	}
}

// named replaces the host of target and keeps its port.
func named(t testing.TB, target, host string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = net.JoinHostPort(host, u.Port())
	return u.String()
}

func TestResponseBodyIsCapped(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		size      int
		truncated bool
		reused    bool // the next request finds the connection alive
	}{
		{"empty", 0, false, true},
		{"what is kept", 1024, false, true},
		{"one more", 1025, true, true},
		{"the cap", egress.MaxResponseBytes, true, true},
		{"far over the cap", 4 << 20, true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			target := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, strings.Repeat("x", c.size))
			})
			client := newClient(t, egress.Config{Guard: loopback(t)})
			first, err := client.Do(t.Context(), post(t, target, "{}"))
			if err != nil || len(first.Body) != min(c.size, 1024) || first.Truncated != c.truncated {
				t.Fatalf("%d bytes, truncated %v, error %v", len(first.Body), first.Truncated, err)
			}
			second, err := client.Do(t.Context(), post(t, target, "{}"))
			if err != nil || second.Reused != c.reused {
				t.Errorf("second request: reused %v, error %v", second.Reused, err)
			}
		})
	}
}

func TestResponseIsNotDecompressed(t *testing.T) {
	t.Parallel()
	target := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "not gzip at all")
	})
	client := newClient(t, egress.Config{Guard: loopback(t)})
	result, err := client.Do(t.Context(), post(t, target, "{}"))
	if err != nil || string(result.Body) != "not gzip at all" {
		t.Errorf("body %q, error %v", result.Body, err)
	}
}

func TestConnectionClosedWhileIdleIsReplaced(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	client := newClient(t, egress.Config{Guard: loopback(t)})
	for range 20 {
		if _, err := client.Do(t.Context(), post(t, server.URL, "{}")); err != nil {
			t.Fatal(err)
		}
		server.CloseClientConnections()
	}
}

func TestSwitchingProtocolsDoesNotHang(t *testing.T) {
	t.Parallel()
	client := newClient(t, egress.Config{Guard: loopback(t)})
	target := rawReceiver(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	result, err := client.Do(t.Context(), post(t, target, "{}"))
	if err != nil || result.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("result %+v, error %v", result, err)
	}
}
