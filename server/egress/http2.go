package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// maxHosts bounds a hostSet.
const maxHosts = 8192

var errHTTP2 = errors.New("the endpoint has chosen HTTP/2")

// hostSet holds hosts as URLs spell them. When it is full, it forgets all of them, which costs each one handover. The zero value is
// empty.
type hostSet struct {
	mu    sync.RWMutex
	hosts map[string]struct{}
}

func (s *hostSet) has(host string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.hosts[host]
	return ok
}

func (s *hostSet) add(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.hosts) >= maxHosts || s.hosts == nil {
		s.hosts = make(map[string]struct{})
	}
	s.hosts[host] = struct{}{}
}

// handed is a connection on which the endpoint has chosen HTTP/2, on its way to net/http. Nil is none.
type handed struct{ conn atomic.Pointer[tls.Conn] }

type handedKey struct{}

func newHanded(c *tls.Conn) *handed {
	h := &handed{}
	h.conn.Store(c)
	return h
}

// in lets orHanded find the connection when net/http dials.
func (h *handed) in(ctx context.Context) context.Context {
	if h == nil {
		return ctx
	}
	return context.WithValue(ctx, handedKey{}, h)
}

// close ends the connection when net/http has not taken it, because it had another one by then.
func (h *handed) close() {
	if h == nil {
		return
	}
	if c := h.conn.Swap(nil); c != nil {
		_ = c.NetConn().Close()
	}
}

// orHanded dials, unless the request brings its connection.
func orHanded(dial DialFunc) DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if h, ok := ctx.Value(handedKey{}).(*handed); ok {
			if c := h.conn.Swap(nil); c != nil {
				return c, nil
			}
		}
		return dial(ctx, network, address)
	}
}
