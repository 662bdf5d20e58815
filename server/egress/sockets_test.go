package egress_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
)

func postOnce(t *testing.T, c *egress.Client, url string) error {
	t.Helper()
	u, err := egress.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(context.Background(), egress.Request{Method: http.MethodPost, URL: u, Header: http.Header{}, Timeout: time.Minute})
	return err
}

func TestIdleConnectionsAreGivenUpForOneMore(t *testing.T) {
	t.Parallel()
	c := egress.New(egress.Config{Guard: loopback(t), MaxSockets: 3})
	defer c.CloseIdle()
	for range 10 {
		endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		defer endpoint.Close()
		if err := postOnce(t, c, endpoint.URL); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBeyondTheBoundARequestHasNoSocket(t *testing.T) {
	t.Parallel()
	c := egress.New(egress.Config{Guard: loopback(t), MaxSockets: 2})
	defer c.CloseIdle()
	release, arrived := make(chan struct{}), make(chan struct{}, 2)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	defer endpoint.Close()
	var held sync.WaitGroup
	for range 2 {
		held.Go(func() {
			if err := postOnce(t, c, endpoint.URL); err != nil {
				t.Error(err)
			}
		})
		<-arrived
	}
	expectKind(t, postOnce(t, c, endpoint.URL), egress.KindExhausted)
	close(release)
	held.Wait()
	if err := postOnce(t, c, endpoint.URL); err != nil {
		t.Errorf("after they are free: %v", err)
	}
}

// A failed dial frees its socket.
func TestFailedDialsTakeNoSocket(t *testing.T) {
	t.Parallel()
	c := egress.New(egress.Config{Guard: loopback(t), MaxSockets: 1, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, syscall.ECONNREFUSED
	}})
	for range 5 {
		expectKind(t, postOnce(t, c, "http://127.0.0.1:1"), egress.KindConnection)
		expectKind(t, postOnce(t, c, "https://127.0.0.1:1"), egress.KindConnection)
	}
}

func TestRunningOutOfFilesIsNotTheEndpointsFailure(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{
		&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)},
		&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.ENFILE)},
		&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ENOBUFS)},
		&net.DNSError{Err: "dial udp 127.0.0.1:53: socket: too many open files", Name: "localhost", IsTemporary: true},
		errors.Join(context.DeadlineExceeded, os.NewSyscallError("socket", syscall.EMFILE)),
	} {
		c := egress.New(egress.Config{Guard: loopback(t), Dial: func(context.Context, string, string) (net.Conn, error) { return nil, cause }})
		for _, url := range []string{"http://127.0.0.1:1", "https://127.0.0.1:1"} {
			expectKind(t, postOnce(t, c, url), egress.KindExhausted)
		}
	}
}
