package httpserver_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/httpserver"
)

// logBuffer is a log that is read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// connectFrom opens a connection from an address of this machine and reports whether the server keeps it.
func connectFrom(t *testing.T, address, url string) (_ net.Conn, kept bool) {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return conn, false
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err = io.ReadFull(conn, make([]byte, len("HTTP/1.1 200 OK")))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection is neither answered nor closed")
	}
	return conn, err == nil
}

// A client that opens connection after connection gets half of them. The others come in as before.
func TestNobodyTakesAllConnections(t *testing.T) {
	t.Parallel()
	var logged logBuffer
	url := start(t, httpserver.Config{MaxConnections: 16, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	var greedy []net.Conn
	for range 30 {
		if conn, kept := connectFrom(t, "127.0.0.2", url); kept {
			greedy = append(greedy, conn)
		}
	}
	if len(greedy) != 8 {
		t.Errorf("one address has %d of 16 connections, want 8", len(greedy))
	}
	if lines := logged.String(); strings.Count(lines, "address=127.0.0.2") < 20 {
		t.Errorf("the refused connections are logged as %s", lines)
	}
	for i := range 4 {
		if _, kept := connectFrom(t, "127.0.0.3", url); !kept {
			t.Errorf("connection %d of another address is refused", i)
		}
	}
	if response, body := get(t, url+"/healthz"); response.StatusCode != http.StatusOK || body != "ok\n" {
		t.Errorf("a third one gets %d %q", response.StatusCode, body)
	}
	for _, conn := range greedy {
		_ = conn.Close()
	}
	for until := time.Now().Add(10 * time.Second); ; {
		if _, kept := connectFrom(t, "127.0.0.2", url); kept {
			return
		}
		if time.Now().After(until) {
			t.Fatal("what is closed is not free again")
		}
	}
}
