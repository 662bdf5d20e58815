package egress_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Proto", r.Proto)
	}))
	server.EnableHTTP2 = true
	proto := make(chan string, 2)
	inner := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto <- r.Proto
		inner.ServeHTTP(w, r)
	})
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

func TestDoDialsOnlyPermittedAddresses(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	target := receiver(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for _, guard := range []egress.Guard{
		{},
		{Allow: parseAllow(t, "10.0.0.0/8")},
		{Resolver: resolver{"receiver.example": {"127.0.0.1"}}},
	} {
		client := newClient(t, egress.Config{Guard: guard})
		for _, scheme := range []string{"http", "https"} {
			for _, host := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1", "receiver.example", "localhost"} {
				request := post(t, strings.Replace(named(t, target, host), "http", scheme, 1), "{}")
				_, err := client.Do(t.Context(), request)
				var e *egress.Error
				if !errors.As(err, &e) || e.Kind != egress.KindRefused && e.Kind != egress.KindDNS {
					t.Errorf("%s over %s: %v", host, scheme, err)
				}
			}
		}
	}
	if reached.Load() {
		t.Error("a refused address was reached")
	}
}

// rebinder gives a public address to whoever asks first and a loopback address from then on.
type rebinder struct{ asked atomic.Int64 }

func (r *rebinder) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if r.asked.Add(1) == 1 {
		return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func TestRebindingGainsNothing(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	target := receiver(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	client := newClient(t, egress.Config{Guard: egress.Guard{Resolver: new(rebinder)}})
	target = strings.Replace(named(t, target, "rebind.example"), "http", "https", 1)
	if err := client.Guard().CheckURL(t.Context(), target); err != nil {
		t.Fatalf("first lookup: %v", err)
	}
	_, err := client.Do(t.Context(), post(t, target, "{}"))
	expectKind(t, err, egress.KindRefused)
	if reached.Load() {
		t.Error("the loopback address was reached")
	}
}

func TestPlainHTTPStaysInsideTheAllowList(t *testing.T) {
	t.Parallel()
	dialled := make(chan string, 1)
	client := newClient(t, egress.Config{
		Guard: egress.Guard{Resolver: resolver{"public.example": {"93.184.216.34"}}},
		Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			dialled <- address
			return nil, errors.New("enough")
		},
	})
	_, err := client.Do(t.Context(), post(t, "http://public.example/", "{}"))
	expectKind(t, err, egress.KindRefused)
	_, err = client.Do(t.Context(), post(t, "https://public.example/", "{}"))
	expectKind(t, err, egress.KindOther)
	if got := <-dialled; got != "93.184.216.34:443" || len(dialled) != 0 {
		t.Errorf("dialled %q and %d more", got, len(dialled))
	}
}

func TestARefusedAddressDoesNotHideAPermittedOne(t *testing.T) {
	t.Parallel()
	target := receiver(t, func(http.ResponseWriter, *http.Request) {})
	for _, addrs := range [][]string{
		{"10.0.0.1", "127.0.0.1"},
		{"::1", "127.0.0.1"},
		{"127.0.0.2", "127.0.0.1"}, // nobody listens on the first
	} {
		client := newClient(t, egress.Config{
			Guard: egress.Guard{Allow: parseAllow(t, "127.0.0.0/8"), Resolver: resolver{"mixed.example": addrs}},
		})
		result, err := client.Do(t.Context(), post(t, named(t, target, "mixed.example"), "{}"))
		if err != nil || !strings.HasPrefix(result.Address, "127.0.0.1:") {
			t.Errorf("%v: reached %q, error %v", addrs, result.Address, err)
		}
	}
}

func TestSilentAddressIsOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newMemory(func(w http.ResponseWriter, _ *http.Request) {})
		client := egress.New(egress.Config{
			Guard: egress.Guard{Allow: parseAllow(t, "127.0.0.0/8"), Resolver: resolver{"two.example": {"127.0.0.9", "127.0.0.1"}}},
			Dial: func(ctx context.Context, kind, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "127.0.0.9:") {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return network.dial(ctx, kind, address)
			},
		})
		result, err := client.Do(t.Context(), post(t, "http://two.example/", "{}"))
		if err != nil || result.Address != "127.0.0.1:80" || result.Timings.Connect != 300*time.Millisecond {
			t.Errorf("result %+v, error %v", result, err)
		}
		client.CloseIdle()
		network.close()
	})
}

// memory is a network of in-memory pipes with one HTTP server on every address.
type memory struct {
	accept chan net.Conn
	server *http.Server
	done   chan struct{}
}

func newMemory(handle http.HandlerFunc) *memory {
	m := &memory{accept: make(chan net.Conn), done: make(chan struct{})}
	m.server = &http.Server{Handler: handle}
	go func() { _ = m.server.Serve(m) }()
	return m
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case m.accept <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.accept:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Addr() net.Addr { return &net.TCPAddr{} }
func (m *memory) Close() error   { return nil }
func (m *memory) close()         { close(m.done); _ = m.server.Close() }

func TestTotalTimeIsBounded(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		handle http.HandlerFunc
		says   string
	}{
		{"silent", swallow, "no answer from 127.0.0.1:80 within 15s"},
		{"slow body", drip, "no complete answer from 127.0.0.1:80 within 15s"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := newMemory(c.handle)
				client := egress.New(egress.Config{Guard: loopback(t), Dial: network.dial})
				request := post(t, "http://127.0.0.1/", "{}")
				request.Timeout = 15 * time.Second
				start := time.Now()
				result, err := client.Do(t.Context(), request)
				e := expectKind(t, err, egress.KindTimeout)
				if took := time.Since(start); took != 15*time.Second || e.Message != c.says || result.Timings.Total != took {
					t.Errorf("after %v: %q, %+v", took, e.Message, result)
				}
				network.close()
			})
		})
	}
}

// swallow takes the request and never answers.
func swallow(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // net/http notices a closed connection only after that
	<-r.Context().Done()
}

// drip sends one byte a second for as long as somebody listens.
func drip(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, err := io.WriteString(w, "x"); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

func TestConnectTimeIsBoundedApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := egress.New(egress.Config{
			Guard: loopback(t),
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		})
		start := time.Now()
		request := post(t, "http://127.0.0.1/", "{}")
		request.Timeout = time.Minute
		_, err := client.Do(t.Context(), request)
		expectKind(t, err, egress.KindTimeout)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestCancelingIsNotTheEndpointsFault(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	target := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := newClient(t, egress.Config{Guard: loopback(t)}).Do(ctx, post(t, target, ""))
	expectKind(t, err, egress.KindCanceled)
}

func TestErrorKinds(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := receiver(t, func(http.ResponseWriter, *http.Request) {})
	cases := []struct {
		name, target string
		kind         egress.Kind
		says         string
	}{
		{"nobody listens", "http://" + deadAddress(t), egress.KindConnection, "connection refused by 127.0.0.1:"},
		{"closes at once", rawReceiver(t, ""), egress.KindConnection, "before the answer was complete"},
		{"closes between headers", rawReceiver(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"), egress.KindConnection, "before the answer was complete"},
		{"closes in the status line", rawReceiver(t, "HTTP/1."), egress.KindOther, "no valid answer: "},
		{"closes in the body", rawReceiver(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal"), egress.KindConnection, "before the answer was complete"},
		{"not HTTP", rawReceiver(t, "SSH-2.0-OpenSSH\r\n\r\n"), egress.KindOther, "no valid answer: "},
		{"endless header", rawReceiver(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 128<<10)+"\r\n\r\n"), egress.KindOther, "no valid answer: "},
		{"unknown certificate", secure.URL, egress.KindTLS, "certificate"},
		{"plain server", strings.Replace(plain, "http", "https", 1), egress.KindTLS, "TLS with 127.0.0.1:"},
		{"unknown host", "https://missing.example", egress.KindDNS, "host missing.example does not exist"},
		{"refused address", "https://10.0.0.1", egress.KindRefused, "10.0.0.1 is a private address"},
	}
	guard := egress.Guard{Allow: parseAllow(t, "127.0.0.0/8"), Resolver: resolver{}}
	client := newClient(t, egress.Config{Guard: guard})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := client.Do(t.Context(), post(t, c.target, "{}"))
			e := expectKind(t, err, c.kind)
			if !strings.Contains(e.Message, c.says) || len(e.Message) > 400 {
				t.Errorf("message is %q, want it to say %q", e.Message, c.says)
			}
		})
	}
}

// deadAddress answers a loopback address on which nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// rawReceiver reads one request, answers exactly these bytes and closes.
func rawReceiver(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, answer)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
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

func TestCertificateMustMatchTheHost(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newClient(t, egress.Config{
		Guard:   egress.Guard{Allow: parseAllow(t, "127.0.0.0/8"), Resolver: resolver{"other.test": {"127.0.0.1"}}},
		RootCAs: rootsOf(server),
	})
	_, err := client.Do(t.Context(), post(t, named(t, server.URL, "other.test"), "{}"))
	expectKind(t, err, egress.KindTLS)
}
