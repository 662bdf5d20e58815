package egress_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
)

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
		{"nobody listens", "http://127.0.0.1:1", egress.KindConnection, "connection refused by 127.0.0.1:"},
		{"closes at once", rawReceiver(t, ""), egress.KindConnection, "before the answer was complete"},
		{"closes between headers", rawReceiver(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"), egress.KindConnection, "before the answer was complete"},
		{"closes in the status line", rawReceiver(t, "HTTP/1."), egress.KindOther, "no valid answer: "},
		{"closes in the body", rawReceiver(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal"), egress.KindConnection, "before the answer was complete"},
		{"not HTTP", rawReceiver(t, "SSH-2.0-OpenSSH\r\n\r\n"), egress.KindOther, "no valid answer: "},
		{"endless header", rawReceiver(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 128<<10)+"\r\n\r\n"), egress.KindOther, "no valid answer: "},
		{"unknown certificate", secure.URL, egress.KindTLS, "certificate"},
		{"plain server", strings.Replace(plain, "http", "https", 1), egress.KindTLS, "TLS with 127.0.0.1:"},
		{"unknown host", "https://missing.example", egress.KindDNS, "host missing.example does not exist, or none of its addresses may be reached"},
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
