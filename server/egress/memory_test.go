package egress_test

import (
	"context"
	"net"
	"net/http"
)

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
