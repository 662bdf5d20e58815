package streamtest

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// URL is where clients find the server.
const URL = "http://postrider.test"

// receiveBuffer bounds what a client of HTTP/2 buffers of a stream that it does not read.
const receiveBuffer = 64 << 10

// Serve serves a transport over HTTP/1.1 and unencrypted HTTP/2 until the test ends.
func (w *World) Serve(handler http.Handler) {
	var running sync.WaitGroup
	server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		handler.ServeHTTP(rw, r)
	})}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	running.Go(func() { _ = server.Serve(w.listener) })
	w.t.Cleanup(func() {
		_ = server.Close()
		running.Wait()
	})
}

// HTTP1 returns a client that speaks HTTP/1.1 to the server.
func (w *World) HTTP1() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return w.client(protocols)
}

// HTTP2 returns a client that speaks HTTP/2 to the server.
func (w *World) HTTP2() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return w.client(protocols)
}

func (w *World) client(protocols *http.Protocols) *http.Client {
	transport := &http.Transport{
		Protocols: protocols, HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: receiveBuffer},
		DialContext: func(context.Context, string, string) (net.Conn, error) { return w.Dial() },
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Dial opens a connection to the server.
func (w *World) Dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.listener.conns <- server:
		return client, nil
	case <-w.listener.closed:
		return nil, net.ErrClosed
	}
}

// pipes is a listener for connections in memory. These buffer nothing, so a client that does not read holds up the server.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }
