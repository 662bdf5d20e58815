package httpserver

import (
	"errors"
	"net"
	"sync"

	"github.com/postrider-dev/postrider/server/limit"
)

// crowd bounds the connections of a listener, and lets each address have as many as are still free: whoever opens as many
// as possible gets half of them, and leaves room for all others. What goes beyond is closed at once, so that it costs
// nothing and is not left waiting.
type crowd struct {
	net.Listener
	limit int

	mu    sync.Mutex
	total int
	of    map[string]int
}

// boundConnections lets a listener have so many connections open at a time; 0 for any number.
func boundConnections(listener net.Listener, limit int) net.Listener {
	if limit == 0 {
		return listener
	}
	return &crowd{Listener: listener, limit: limit, of: map[string]int{}}
}

func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if address := limit.Address(conn.RemoteAddr().String()); c.enter(address) {
			return &member{Conn: conn, leave: sync.OnceFunc(func() { c.leave(address) })}, nil
		}
		_ = conn.Close()
	}
}

func (c *crowd) enter(address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[address] >= c.limit-c.total {
		return false
	}
	c.of[address]++
	c.total++
	return true
}

func (c *crowd) leave(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.of[address]--; c.of[address] == 0 {
		delete(c.of, address)
	}
}

// member is a connection that counts until it is closed.
type member struct {
	net.Conn
	leave func()
}

func (m *member) Close() error {
	m.leave()
	return m.Conn.Close()
}

// CloseWrite says that nothing more comes, where the connection can say so.
func (m *member) CloseWrite() error {
	if half, ok := m.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
