package httpserver_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/httpserver"
)

// pipes is a network inside this process, so that its clock is that of the bubble.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.accepted <- server
	return client, nil
}

// serve runs a server with one handler at /stream and at /quiet inside the bubble.
func serve(t *testing.T, network *pipes, handler http.HandlerFunc) {
	t.Helper()
	server := httpserver.New(httpserver.Config{
		API: func(mux *http.ServeMux) {
			mux.HandleFunc("/stream", handler)
			mux.HandleFunc("/quiet", handler)
		},
		Streams: []string{"/quiet"},
		UI:      built,
		Ready:   func(context.Context) error { return nil },
		Logger:  slog.New(slog.DiscardHandler),
	})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(network) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx) // What hangs on purpose is cut off.
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAStreamMayBeQuiet(t *testing.T) {
	t.Parallel()
	for name, version2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := newPipes()
				serve(t, network, func(w http.ResponseWriter, _ *http.Request) {
					for range 3 {
						_, _ = io.WriteString(w, "part\n")
						_ = http.NewResponseController(w).Flush()
						time.Sleep(10 * time.Minute)
					}
				})
				protocols := new(http.Protocols)
				protocols.SetHTTP1(!version2)
				protocols.SetUnencryptedHTTP2(version2)
				transport := &http.Transport{DialContext: network.dial, Protocols: protocols}
				defer transport.CloseIdleConnections()
				response, err := (&http.Client{Transport: transport}).Get("http://server/stream")
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				if err != nil || string(body) != "part\npart\npart\n" {
					t.Errorf("read %q: %v", body, err)
				}
			})
		})
	}
}

func TestAClientThatDoesNotReadIsLetGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		failed := make(chan error, 1)
		began := time.Now()
		serve(t, network, func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					failed <- err
					return
				}
			}
		})
		conn, err := network.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: server\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; err == nil {
			t.Error("the write did not fail")
		}
		if took := time.Since(began); took < 20*time.Second || took > time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

func TestABodyThatNeverComesEndsTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		failed := make(chan error, 1)
		began := time.Now()
		serve(t, network, func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			failed <- err
		})
		conn, err := network.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		go func() { _, _ = io.Copy(io.Discard, bufio.NewReader(conn)) }()
		if _, err := io.WriteString(conn, "POST /stream HTTP/1.1\r\nHost: server\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; err == nil || !strings.Contains(err.Error(), "did not arrive in time") {
			t.Errorf("reading ends with %v, want that it took too long", err)
		}
		if took := time.Since(began); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("it took %v, want 10 s", took)
		}
	})
}

// A path that reads no body is not held by one that never comes: net/http waits for it before it answers.
func TestABodyThatNobodyReadsDoesNotHoldItsConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		serve(t, network, func(http.ResponseWriter, *http.Request) {})
		conn, err := network.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		began, written := time.Now(), make(chan struct{})
		go func() {
			defer close(written)
			_, err := io.WriteString(conn, "POST /stream HTTP/1.1\r\nHost: server\r\nContent-Length: 100\r\n\r\n")
			for err == nil {
				_, err = io.WriteString(conn, "x")
				time.Sleep(5 * time.Second)
			}
		}()
		_, _ = io.Copy(io.Discard, conn)
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("the connection was held for %v", took)
		}
		<-written
	})
}

// A body that always comes a little is not one that never comes, and yet must not hold a request for ever.
func TestABodyThatDripsIsCut(t *testing.T) {
	t.Parallel()
	for path, mediaType := range map[string]string{"/stream": "application/json", "/quiet": "application/grpc"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := drip(t, path, mediaType, "\x00\x00\x00\xff\xff", time.Second)
				if err == nil || !strings.Contains(err.Error(), "did not arrive in time") {
					t.Errorf("reading ends with %v, want that it took too long", err)
				}
				if took := time.Since(began); took > time.Minute {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// drip sends a beginning and then byte after byte, one each interval, and returns what the handler reads.
func drip(t *testing.T, path, mediaType, beginning string, interval time.Duration) (text []byte, err error) {
	t.Helper()
	network := newPipes()
	done := make(chan struct{})
	serve(t, network, func(_ http.ResponseWriter, r *http.Request) {
		text, err = io.ReadAll(r.Body)
		close(done)
	})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{DialContext: network.dial, Protocols: protocols}
	defer transport.CloseIdleConnections()
	body, write := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, failed := io.WriteString(write, beginning)
		for failed == nil {
			time.Sleep(interval)
			_, failed = io.WriteString(write, "x")
		}
	}()
	request, fault := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server"+path, body)
	if fault != nil {
		t.Fatal(fault)
	}
	request.Header.Set("Content-Type", mediaType)
	if response, fault := transport.RoundTrip(request); fault == nil {
		_ = response.Body.Close()
	}
	<-done
	_ = body.Close()
	<-written
	return text, err
}

// message is a message of gRPC.
func message(text string) string { return "\x00\x00\x00\x00" + string(rune(len(text))) + text }

// A client that publishes over a stream may have nothing to say for as long as it likes.
func TestABodyMayBeQuietWhereItNeverHasToEnd(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/quiet": message("one") + message(" two"), "/stream": message("one")} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := newPipes()
				got := make(chan string, 1)
				serve(t, network, func(_ http.ResponseWriter, r *http.Request) {
					text, _ := io.ReadAll(r.Body)
					got <- string(text)
				})
				protocols := new(http.Protocols)
				protocols.SetUnencryptedHTTP2(true)
				transport := &http.Transport{DialContext: network.dial, Protocols: protocols}
				defer transport.CloseIdleConnections()
				body, write := io.Pipe()
				written := make(chan struct{})
				go func() {
					defer close(written)
					_, _ = io.WriteString(write, message("one"))
					time.Sleep(time.Hour)
					_, _ = io.WriteString(write, message(" two"))
					_ = write.Close()
				}()
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server"+path, body)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Content-Type", "application/grpc")
				if response, err := transport.RoundTrip(request); err == nil {
					_ = response.Body.Close()
				}
				if text := <-got; text != want {
					t.Errorf("read %q, want %q", text, want)
				}
				_ = body.Close()
				<-written
			})
		})
	}
}
