package store_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

// commitBreaker is a proxy between the store and PostgreSQL that breaks the connection at the next commit.
type commitBreaker struct {
	upstream string
	listener net.Listener
	// passOn means that PostgreSQL still receives the commit. leave means that the connection to PostgreSQL stays open.
	passOn, leave bool

	mu    sync.Mutex
	armed bool
	left  []net.Conn
}

func newCommitBreaker(t *testing.T, address string, passOn, leave bool) (*commitBreaker, string) {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &commitBreaker{upstream: target.Host, listener: listener, passOn: passOn, leave: leave}
	t.Cleanup(func() {
		_ = listener.Close()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, conn := range b.left {
			_ = conn.Close()
		}
	})
	go b.serve()
	target.Host = listener.Addr().String()
	return b, target.String()
}

func (b *commitBreaker) serve() {
	for {
		client, err := b.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", b.upstream)
		if err != nil {
			_ = client.Close()
			continue
		}
		go b.relay(client, server)
		go func() {
			_, _ = io.Copy(client, server)
			_ = client.Close()
		}()
	}
}

func (b *commitBreaker) relay(client, server net.Conn) {
	defer func() { _ = client.Close() }()
	for part := make([]byte, 1<<20); ; {
		n, err := client.Read(part)
		breaks := b.breaks(part[:n], server)
		if breaks {
			_ = client.Close() // before PostgreSQL can respond
		}
		if !breaks || b.passOn {
			_, _ = server.Write(part[:n])
		}
		if breaks && b.leave {
			return
		}
		if breaks || err != nil {
			_ = server.Close()
			return
		}
	}
}

func (b *commitBreaker) breaks(part []byte, server net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.armed || !bytes.Contains(part, []byte("commit\x00")) {
		return false
	}
	b.armed = false
	if b.leave {
		b.left = append(b.left, server)
	}
	return true
}

func (b *commitBreaker) arm() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = true
}

// TestLostResponseToACommit loses PostgreSQL's response to a commit, whether it was made or not. The publisher is asked to
// repeat, and a repeated event is stored once. The server goes on, and its tail gets every event.
func TestLostResponseToACommit(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct{ made, leave bool }{
		"made":                                 {made: true},
		"not made":                             {},
		"made, and PostgreSQL sees no end":     {made: true, leave: true},
		"not made, and PostgreSQL sees no end": {leave: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := freshPostgres("")(t)
			breaker, address := newCommitBreaker(t, cfg.Data, way.made, way.leave)
			cfg.Data = address
			w := serve(t, cfg)
			w.publish("before")
			breaker.arm()
			err := w.tryPublish("lost", 10)
			if gateway.ErrorCode(err) != gateway.CodeUnavailable || retryAfter(err) == 0 {
				t.Errorf("publish whose response was lost: %v, want unavailable with a hint", err)
			}
			w.publishOnceBack("lost")
			w.publishOnceBack("after")
			events, err := w.ReadAfter(context.Background(), 0, 100, 0)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, e := range events {
				ids = append(ids, e.ID)
			}
			if len(ids) != 3 || ids[1] != "lost" || int(w.Head()) != 3 {
				t.Errorf("stored: %v, head %d", ids, w.Head())
			}
		})
	}
}
