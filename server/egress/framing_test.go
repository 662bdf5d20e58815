package egress_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/postrider-dev/postrider/server/egress"
)

var schemes = []string{"http", "https"}

// certified is the endpoint's side of TLS at 127.0.0.1, which offers HTTP/1.1 only, and what verifies it.
type certified struct {
	config *tls.Config
	roots  *x509.CertPool
}

var certificate = sync.OnceValue(func() certified {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return certified{&tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"http/1.1"}}, rootsOf(server)}
})

func secured(c net.Conn) net.Conn { return tls.Server(c, certificate().config) }

// framed is what an endpoint returns, and what a client makes of it.
type framed struct {
	name   string
	method string // POST when empty
	answer string
	// ends says that the endpoint hangs up after the answer.
	ends   bool
	status int
	body   string
	kept   bool        // the connection serves again
	kind   egress.Kind // of the error, when status is 0
}

var framings = []framed{
	{name: "length", answer: fine, status: 200, body: "ok", kept: true},
	{name: "length of none", answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", status: 200, kept: true},
	{name: "the same length twice", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", status: 200, body: "ok", kept: true},
	{name: "names in lower case, lines without return", answer: "HTTP/1.1 200 OK\ncontent-length: 2\n\nok", status: 200, body: "ok", kept: true},
	{name: "no content", answer: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, kept: true},
	{name: "no content, but a length", answer: "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", status: 204, kept: true},
	{name: "not modified with the length of what is not sent", answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", status: 304, kept: true},
	{name: "chunks", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;a=b\r\nk\r\n0\r\n\r\n", status: 200, body: "ok", kept: true},
	{name: "chunks and a trailer", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", status: 200, body: "ok", kept: true},
	{name: "chunks and a length", answer: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", status: 200, body: "ok", kept: true},
	{name: "interim answers", answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + fine, status: 200, body: "ok", kept: true},
	{name: "asked for the head only", method: http.MethodHead, answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", status: 200, kept: true},
	{name: "HTTP/1.0 that stays", answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", status: 200, body: "ok", kept: true},

	{name: "HTTP/1.0", answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", status: 200, body: "ok"},
	{name: "close", answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", status: 200, body: "ok"},
	{name: "until the end", answer: "HTTP/1.1 200 OK\r\n\r\nok", ends: true, status: 200, body: "ok"},
	{name: "switching protocols", answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", status: 101},

	{name: "nothing", ends: true, kind: egress.KindConnection},
	{name: "an interim answer only", answer: "HTTP/1.1 100 Continue\r\n\r\n", ends: true, kind: egress.KindConnection},
	{name: "half a header", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", ends: true, kind: egress.KindConnection},
	{name: "half a body", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", ends: true, kind: egress.KindConnection},
	{name: "half a chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\no", ends: true, kind: egress.KindConnection},
	{name: "no last chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", ends: true, kind: egress.KindConnection},
	{name: "half a trailer", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Su", ends: true, kind: egress.KindOther},
	{name: "two lengths", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", kind: egress.KindOther},
	{name: "a length below zero", answer: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", kind: egress.KindOther},
	{name: "no length of a chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", kind: egress.KindOther},
	{name: "an unknown encoding", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", kind: egress.KindOther},
	{name: "no header", answer: "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", kind: egress.KindOther},
	{name: "no status", answer: "HTTP/1.1 2000 OK\r\n\r\n", kind: egress.KindOther},
	{name: "another protocol", answer: "SSH-2.0-OpenSSH\r\n\r\n", kind: egress.KindOther},
	{name: "a header of 128 KiB", answer: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 128<<10) + "\r\n\r\n", kind: egress.KindOther},
	{name: "16,384 headers", answer: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 16<<10) + "\r\n", kind: egress.KindOther},
}

// TestFraming cuts each answer in two at every place, over both schemes. A pipe delivers each write by itself, and so does TLS.
func TestFraming(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		for _, f := range framings {
			t.Run(scheme+" "+f.name, func(t *testing.T) {
				t.Parallel()
				f.over(t, scheme)
			})
		}
	}
}

func (f framed) over(t *testing.T, scheme string) {
	cuts := make(chan int)
	client := newClient(t, egress.Config{Guard: loopback(t), RootCAs: certificate().roots, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		if scheme == "https" {
			far = secured(far)
		}
		go f.serve(far, cuts)
		return near, nil
	}})
	last := len(f.answer)
	if last > 1000 {
		last = 20
	}
	for cut := 0; cut <= last; cut++ {
		request := post(t, scheme+"://127.0.0.1/", "{}")
		if f.method != "" {
			request.Method, request.Body = f.method, nil
		}
		go func() { cuts <- cut }()
		result, err := client.Do(t.Context(), request)
		if f.status == 0 {
			expectKind(t, err, f.kind)
			continue
		}
		if err != nil || result.StatusCode != f.status || string(result.Body) != f.body || result.Reused != (f.kept && cut > 0) {
			t.Fatalf("cut at %d: status %d, body %q, reused %v, error %v", cut, result.StatusCode, result.Body, result.Reused, err)
		}
	}
}

// serve returns each request of one connection with the answer, cut where cuts says.
func (f framed) serve(c net.Conn, cuts <-chan int) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for {
		if _, err := readRequest(in); err != nil {
			return
		}
		cut := <-cuts
		for _, part := range []string{f.answer[:cut], f.answer[cut:]} {
			if _, err := io.WriteString(c, part); err != nil {
				return
			}
		}
		if f.ends {
			return
		}
	}
}
