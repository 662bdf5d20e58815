package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

const (
	// documentedTimeout is how long the proxies of deploy/ let a stream be silent that has heartbeats every 15 s, and testedTimeout how
	// long they do here, with heartbeats as many times faster.
	documentedTimeout, testedTimeout = 150 * time.Second, 2 * time.Second
	// clientAddress is where clients are, unlike the proxies.
	clientAddress = "127.0.0.2"
)

// proxied is a server behind a proxy that has the configuration of deploy/, and its two doors: HTTP/1.1 and HTTP/2.
type proxied struct {
	server       *server
	plain        string
	first, again door
}

// proxies start those of deploy/ before a server. They return what would end, and where http and https are.
var proxies = map[string]func(t *testing.T, s *proxied, secure string, certificate tls.Certificate) *exec.Cmd{
	"nginx":   newNginxSite,
	"HAProxy": newHAProxySite,
}

func newNginxSite(t *testing.T, s *proxied, secure string, certificate tls.Certificate) *exec.Cmd {
	t.Helper()
	program, folder := needed(t, "POSTRIDER_TEST_NGINX"), t.TempDir()
	chain, key := pemOf(t, certificate)
	write(t, filepath.Join(folder, "chain.pem"), chain)
	write(t, filepath.Join(folder, "key.pem"), key)
	write(t, filepath.Join(folder, "site.conf"), adapt(t, "deploy/nginx.conf",
		"listen 80;", "listen "+s.plain+";", "listen 443 ", "listen "+secure+" ", "server 127.0.0.1:8080;", "server "+s.server.address+";",
		"/etc/ssl/certs/events.example.com.pem", filepath.Join(folder, "chain.pem"),
		"/etc/ssl/private/events.example.com.key", filepath.Join(folder, "key.pem"),
		"150s", testedTimeout.String()))
	write(t, filepath.Join(folder, "nginx.conf"), fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  include %[1]s/site.conf;
}
`, folder))
	return exec.Command(program, "-p", folder, "-e", filepath.Join(folder, "error.log"), "-c", filepath.Join(folder, "nginx.conf"))
}

func newHAProxySite(t *testing.T, s *proxied, secure string, certificate tls.Certificate) *exec.Cmd {
	t.Helper()
	program, folder := needed(t, "POSTRIDER_TEST_HAPROXY"), t.TempDir()
	chain, key := pemOf(t, certificate)
	write(t, filepath.Join(folder, "site.pem"), chain+key)
	write(t, filepath.Join(folder, "haproxy.cfg"), adapt(t, "deploy/haproxy.cfg",
		"    user haproxy\n    group haproxy\n", "",
		"bind :80\n", "bind "+s.plain+"\n", "bind :443 ", "bind "+secure+" ", "postrider 127.0.0.1:8080", "postrider "+s.server.address,
		"/etc/haproxy/events.example.com.pem", filepath.Join(folder, "site.pem"),
		"timeout client 1h", "timeout client "+testedTimeout.String(), "timeout server 1h", "timeout server "+testedTimeout.String(),
		"timeout tunnel 1h", "timeout tunnel "+testedTimeout.String()))
	return exec.Command(program, "-f", filepath.Join(folder, "haproxy.cfg"))
}

// needed returns the program that tools/with-services has found.
func needed(t *testing.T, variable string) string {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" && os.Getenv("CI") == "true" {
		t.Fatalf("set %s, as tools/with-services does", variable)
	}
	if program == "" {
		t.Skipf("SKIPPED, LOUDLY: set %s, as tools/with-services does", variable)
	}
	return program
}

// adapt returns a file of the repository with what is different here. Each replacement must apply.
func adapt(t *testing.T, file string, oldnew ...string) string {
	t.Helper()
	content, err := os.ReadFile(fromTop(t, file))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			t.Fatalf("%s has no %q", file, oldnew[i])
		}
		text = strings.ReplaceAll(text, oldnew[i], oldnew[i+1])
	}
	return text
}

// newCertificate returns one for example.com, which the clients trust.
func newCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	own := httptest.NewTLSServer(http.NotFoundHandler())
	defer own.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(own.Certificate())
	return own.TLS.Certificates[0], trusted
}

func pemOf(t *testing.T, certificate tls.Certificate) (chain, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// newProxied starts a server and a proxy before it, and waits until it passes requests on.
func newProxied(t *testing.T, start func(*testing.T, *proxied, string, tls.Certificate) *exec.Cmd) *proxied {
	t.Helper()
	certificate, trusted := newCertificate(t)
	s := &proxied{server: newServer(t, "--trusted-proxies", "127.0.0.1"), plain: freeAddress(t)}
	secure := freeAddress(t)
	s.first, s.again = newDoor(secure, trusted, false), newDoor(secure, trusted, true)
	run := start(t, s, secure, certificate)
	s.server.mustStart()
	startProxy(t, run, s.first)
	return s
}

func newDoor(address string, trusted *x509.CertPool, http2 bool) door {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(clientAddress)}}
	transport := &http.Transport{
		Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "example.com"},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
	}
	return door{
		url: "https://events.example.com", http: &http.Client{Transport: transport},
		heartbeat: 15 * time.Second / (documentedTimeout / testedTimeout),
	}
}

func TestStreamsPassTheProxiesOfTheDocuments(t *testing.T) {
	t.Parallel()
	for proxy, start := range proxies {
		t.Run(proxy, func(t *testing.T) {
			t.Parallel()
			s := newProxied(t, start)
			var all sync.WaitGroup
			defer all.Wait()
			for name, one := range map[string]struct {
				through door
				follow  following
			}{
				"Connect":                        {s.again, followRPC()},
				"Connect, HTTP 1":                {s.first, followRPC()},
				"Connect, JSON, by hand":         {s.again, followByHand},
				"Connect, JSON, by hand, HTTP 1": {s.first, followByHand},
				"gRPC":                           {s.again, followRPC(connect.WithGRPC())},
				"gRPC-Web":                       {s.again, followRPC(connect.WithGRPCWeb())},
				"gRPC-Web, HTTP 1":               {s.first, followRPC(connect.WithGRPCWeb())},
				"server-sent events":             {s.again, followLines("text/event-stream")},
				"server-sent events, HTTP 1":     {s.first, followLines("text/event-stream")},
				"JSON lines":                     {s.again, followLines("application/x-ndjson")},
				"a WebSocket":                    {s.first, followSocket},
			} {
				id := strings.NewReplacer(" ", "_", ",", "").Replace(name)
				t.Run(name, func(t *testing.T) { one.through.passes(t, id+"_at_once", 0, one.follow) })
				// They wait at the same time; of parallel tests, no more run than there are processors.
				all.Go(func() {
					t.Run(name+", longer than a proxy waits", func(t *testing.T) {
						one.through.passes(t, id+"_later", 2*testedTimeout, one.follow)
					})
				})
			}
		})
	}
}

func TestCallsPassTheProxiesOfTheDocuments(t *testing.T) {
	t.Parallel()
	for proxy, start := range proxies {
		t.Run(proxy, func(t *testing.T) {
			t.Parallel()
			s := newProxied(t, start)
			t.Run("a stream of publishes, Connect", func(t *testing.T) { s.publishesAlternately(t) })
			t.Run("a stream of publishes, gRPC", func(t *testing.T) { s.publishesAlternately(t, connect.WithGRPC()) })
			t.Run("a large batch", s.publishesLargeBatch)
			t.Run("an error", s.refusesWithReason)
			t.Run("the address of a client", s.seesClients)
			t.Run("the cookie of a session", s.keepsSession)
			t.Run("the web UI, by way of https", s.showsUI)
		})
	}
}

// events calls the server over HTTP/2.
func (s *proxied) events(options ...connect.ClientOption) postriderv1connect.EventServiceClient {
	return postriderv1connect.NewEventServiceClient(s.again.http, s.again.url, append(options, connect.WithInterceptors(bearer(adminKey)))...)
}

// publishesAlternately waits for each acknowledgement before it sends the next event: both directions are open.
func (s *proxied) publishesAlternately(t *testing.T, options ...connect.ClientOption) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream := s.events(options...).PublishStream(ctx)
	for n := range 3 {
		if err := stream.Send(&postriderv1.PublishStreamRequest{Event: untyped("", "stream.passed", "{}")}); err != nil {
			t.Fatal(err)
		}
		response, err := stream.Receive()
		if err != nil || response.GetAck().GetIndex() != int64(n) || response.GetAck().GetCursor() == "" {
			t.Fatalf("event %d: %v, %v, want an acknowledgement", n, response, err)
		}
	}
	if err := stream.CloseRequest(); err != nil {
		t.Fatal(err)
	}
	if last, err := stream.Receive(); err != nil || last.GetSummary() == nil {
		t.Fatalf("the last message is %v, %v, want a summary", last, err)
	}
}

func (s *proxied) publishesLargeBatch(t *testing.T) {
	batch := &postriderv1.PublishBatchRequest{}
	for range 8 {
		batch.Events = append(batch.Events, untyped("", "batch.passed", `{"t":"`+strings.Repeat("x", 900<<10)+`"}`))
	}
	if _, err := s.events(connect.WithGRPC()).PublishBatch(t.Context(), connect.NewRequest(batch)); err != nil {
		t.Error("gRPC:", err)
	}
	if _, err := s.events().PublishBatch(t.Context(), connect.NewRequest(batch)); err != nil {
		t.Error("Connect:", err)
	}
}

func (s *proxied) refusesWithReason(t *testing.T) {
	for name, option := range map[string]connect.ClientOption{
		"Connect": connect.WithProtoJSON(), "gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(),
	} {
		_, err := s.events(option).GetEvent(t.Context(), connect.NewRequest(&postriderv1.GetEventRequest{Id: "evt_none"}))
		if connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("%s: %v, want not_found", name, err)
		}
	}
}

// seesClients lists streams whose client claims another address.
func (s *proxied) seesClients(t *testing.T) {
	streams := postriderv1connect.NewStreamServiceClient(s.again.http, s.again.url, connect.WithInterceptors(bearer(adminKey)))
	for name, through := range map[string]door{"HTTP/1.1": s.first, "HTTP/2": s.again} {
		ctx, cancel := context.WithCancel(t.Context())
		for _, procedure := range []struct{ path, contentType string }{
			{"/v1/events/stream", "text/event-stream"},
			{"/postrider.v1.EventService/Subscribe", "application/connect+json"},
		} {
			method, body := http.MethodGet, []byte(nil)
			if strings.HasSuffix(procedure.path, "Subscribe") {
				method, body = http.MethodPost, []byte("\x00\x00\x00\x00\x02{}")
			}
			request, err := http.NewRequestWithContext(ctx, method, through.url+procedure.path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+adminKey)
			request.Header.Set("Content-Type", procedure.contentType)
			request.Header.Set("Accept", procedure.contentType)
			request.Header.Set("X-Forwarded-For", "203.0.113.7")
			response, err := through.http.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
		}
		listed, err := streams.ListStreams(t.Context(), connect.NewRequest(&postriderv1.ListStreamsRequest{}))
		if err != nil || len(listed.Msg.GetStreams()) != 2 {
			t.Fatalf("%s: %v, %v, want two streams", name, listed, err)
		}
		for _, one := range listed.Msg.GetStreams() {
			if one.GetRemoteAddress() != clientAddress {
				t.Errorf("%s: the client of %v is at %q, want %q", name, one.GetTransport(), one.GetRemoteAddress(), clientAddress)
			}
		}
		cancel()
		eventually(t, patience, "the streams end", func() bool {
			listed, err := streams.ListStreams(t.Context(), connect.NewRequest(&postriderv1.ListStreamsRequest{}))
			return err == nil && len(listed.Msg.GetStreams()) == 0
		})
	}
}

// keepsSession signs in, and calls with the cookie as a page of the site does and as one of another site.
func (s *proxied) keepsSession(t *testing.T) {
	for name, through := range map[string]door{"HTTP/1.1": s.first, "HTTP/2": s.again} {
		call := func(method, body, origin string, cookies ...*http.Cookie) *http.Response {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
				through.url+"/postrider.v1.SessionService/"+method, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Origin", origin)
			for _, cookie := range cookies {
				request.AddCookie(cookie)
			}
			response, err := through.http.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			return response
		}
		key, err := json.Marshal(map[string]string{"key": adminKey})
		if err != nil {
			t.Fatal(err)
		}
		cookies := call("CreateSession", string(key), through.url).Cookies()
		if len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
			t.Fatalf("%s: the cookies are %v, want one that is Secure, HttpOnly and SameSite=Strict", name, cookies)
		}
		if got := call("GetSession", "{}", through.url, cookies...).StatusCode; got != http.StatusOK {
			t.Errorf("%s: a page of the site gets %d", name, got)
		}
		if got := call("GetSession", "{}", "https://elsewhere.example.com", cookies...).StatusCode; got != http.StatusForbidden {
			t.Errorf("%s: a page of another site gets %d, want 403", name, got)
		}
	}
}

func (s *proxied) showsUI(t *testing.T) {
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.plain+"/overview?a=b", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "events.example.com"
	response, err := stay.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if to := response.Header.Get("Location"); to != "https://events.example.com/overview?a=b" {
		t.Errorf("http leads to %q (%s)", to, response.Status)
	}
	page := s.again.send(t.Context(), t, http.MethodGet, "/", "text/html", nil)
	_ = page.Body.Close()
	if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the page is %s, %s", page.Status, page.Header.Get("Content-Type"))
	}
}
