package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// MaxResponseBytes is how much of a response body is read. A connection with more to say is closed.
	MaxResponseBytes = 16 << 10

	maxResponseHeaderBytes = 64 << 10
	maxIdleConns           = 8192
	maxIdleConnsPerHost    = 1024
	idleConnTimeout        = 90 * time.Second
	connectTimeout         = 10 * time.Second
	pingTimeout            = 10 * time.Second
)

// Config makes a Client. The zero value reaches public addresses over https.
type Config struct {
	// Guard judges each address dialled.
	Guard Guard
	// ConnectTimeout bounds lookup, connect and TLS handshake together; 10 s when 0.
	ConnectTimeout time.Duration
	// RootCAs verifies endpoints; the system's when nil.
	RootCAs *x509.CertPool
	// Dial connects to an address the guard has permitted; the operating system when nil. In-memory networks fit here.
	Dial DialFunc
	// MaxSockets bounds the connections that are open at a time, idle ones included; 0 for any number. Beyond it a request
	// that needs another fails with KindExhausted.
	MaxSockets int
	// MaxLongLived bounds the connections of Dial that are open at a time, idle ones included; 0 for any number.
	MaxLongLived int
}

// Client sends requests. It follows no redirect, uses no proxy, keeps no cookie and asks for no compression. It is safe
// for concurrent use.
type Client struct {
	guard         Guard
	plain, secure *scheme
	template      *http.Request
	scratch       sync.Pool

	// What Dial needs.
	connect   DialFunc
	timeout   time.Duration
	sockets   *sockets
	longLived *longLived
	rootCAs   *x509.CertPool
}

// scheme sends the requests of http, or those of https: HTTP/1.1 by direct, HTTP/2 and everything out of the ordinary by net/http.
type scheme struct {
	direct    *direct
	transport *http.Transport
	http2     hostSet // hosts that have chosen HTTP/2
}

// New makes a client that keeps idle connections for 90 s, up to 1024 per host.
func New(config Config) *Client {
	c := &Client{guard: config.Guard, plain: &scheme{transport: newTransport()}, secure: &scheme{transport: newTransport()}}
	c.guard.refusals = &refusalLog{}
	timeout := config.ConnectTimeout
	if timeout == 0 {
		timeout = connectTimeout
	}
	plain := newDialer(&c.guard, "http", config.Dial)
	secure := newDialer(&c.guard, "https", config.Dial)
	plain.timeout, secure.timeout = timeout, timeout
	open := &sockets{limit: int64(config.MaxSockets), giveUp: c.giveUpIdle}
	plain.sockets, secure.sockets = open, open
	c.connect, c.timeout, c.sockets, c.rootCAs = config.Dial, timeout, open, config.RootCAs
	c.longLived = newLongLived(config.MaxLongLived)
	secure.tls = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            config.RootCAs,
		NextProtos:         []string{"h2", "http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(maxIdleConnsPerHost),
	}
	c.plain.transport.DialContext = plain.dial
	c.plain.direct = newDirect(plain.dial, "80")
	c.secure.transport.DialTLSContext = orHanded(secure.dialTLS)
	c.secure.direct = newDirect(secure.dialTLS, "443")
	c.template = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	c.scratch.New = func() any { return new([MaxResponseBytes + 1]byte) }
	return c
}

func newTransport() *http.Transport {
	return &http.Transport{
		DisableCompression:     true, // a small body that unpacks to a huge one would pass the cap
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingTimeout, PingTimeout: pingTimeout},
		IdleConnTimeout:        idleConnTimeout,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConnsPerHost,
		MaxResponseHeaderBytes: maxResponseHeaderBytes,
	}
}

// Guard returns the rule by which the client dials.
func (c *Client) Guard() *Guard { return &c.guard }

// CloseIdle closes connections that nothing is sent over.
func (c *Client) CloseIdle() {
	for c.longLived.giveUp() {
	}
	for _, s := range [...]*scheme{c.plain, c.secure} {
		s.direct.idle.close()
		s.transport.CloseIdleConnections()
	}
}

// Request is what Do sends.
type Request struct {
	Method string
	// URL comes from ParseURL. It is read only and may be shared.
	URL *url.URL
	// Header is given away: Do adds to it. Its values may be shared, but must never change.
	Header http.Header
	// Body may be shared, but must never change: after a timeout it can still be on its way when Do has returned.
	Body []byte
	// Timeout bounds everything, from the lookup to the last byte of the response body. An earlier end of the context
	// is not the endpoint's fault: it gives KindCanceled.
	Timeout time.Duration
	// Keep is how many bytes of the response body the result holds, at most MaxResponseBytes.
	Keep int
}

// Result is what came back; after an error, what was known by then.
type Result struct {
	StatusCode int
	Header     http.Header
	// Body is the beginning of the response body, up to Request.Keep bytes.
	Body []byte
	// Truncated says that there was more than Body.
	Truncated bool
	// Address is the IP and port dialled.
	Address string
	// Reused says that the connection had served before: then DNS, Connect and TLS are 0.
	Reused  bool
	Timings Timings
}

// Timings says where the time went. A part that did not happen is 0.
type Timings struct {
	DNS     time.Duration
	Connect time.Duration
	TLS     time.Duration
	// FirstByte runs from the connection being ready to the first byte of the response.
	FirstByte time.Duration
	Total     time.Duration
}

// Do sends one request and reads the answer, whatever its status. The error is an *Error and means that there is no
// complete answer. A request that fails on a connection kept from before without a byte in return is sent again on
// another one: idle connections are closed by endpoints at any time, and deliveries are at-least-once.
func (c *Client) Do(ctx context.Context, r Request) (Result, error) {
	a := newAttempt(ctx, r.Timeout)
	s := c.scheme(r.URL)
	if suits(r) && !s.http2.has(r.URL.Host) {
		return c.doDirect(s, a, r)
	}
	return c.doTransport(s, a, r)
}

func (c *Client) doDirect(s *scheme, a *attempt, r Request) (Result, error) {
	l, response, err := s.direct.ask(a, r)
	if a.handed != nil {
		s.http2.add(r.URL.Host)
		return c.doTransport(s, a, r)
	}
	if err != nil {
		return a.result(), a.failure(err, r)
	}
	result := a.answer(response)
	ended, err := c.read(response, r.Keep, &result)
	s.direct.done(l, ended && !response.Close && response.StatusCode > 199)
	return c.conclude(a, r, result, err)
}

func (c *Client) doTransport(s *scheme, a *attempt, r Request) (Result, error) {
	bounded, cancel := context.WithDeadline(a.caller, a.deadline)
	defer cancel()
	defer a.handed.close()
	response, err := s.transport.RoundTrip(c.prepare(a.handed.in(a.traced(bounded)), r))
	if err != nil {
		return a.result(), a.failure(err, r)
	}
	result := a.answer(response)
	_, err = c.read(response, r.Keep, &result)
	_ = response.Body.Close()
	return c.conclude(a, r, result, err)
}

func (c *Client) conclude(a *attempt, r Request, result Result, err error) (Result, error) {
	result.Timings.Total = time.Since(a.start)
	if err != nil {
		return result, a.failure(err, r)
	}
	return result, nil
}

func (c *Client) scheme(u *url.URL) *scheme {
	if u.Scheme == "https" {
		return c.secure
	}
	return c.plain
}

// idempotencyKey, present without a value, tells net/http that the request may be sent again; nothing goes on the wire.
const idempotencyKey = "Idempotency-Key"

func (c *Client) prepare(ctx context.Context, r Request) *http.Request {
	request := c.template.WithContext(ctx)
	request.Method, request.URL, request.Host, request.Header = r.Method, r.URL, r.URL.Host, r.Header
	if _, set := request.Header[idempotencyKey]; !set {
		request.Header[idempotencyKey] = nil
	}
	if len(r.Body) == 0 {
		return request
	}
	request.ContentLength = int64(len(r.Body))
	request.GetBody = func() (io.ReadCloser, error) {
		// net/http sends header and body in one packet for exactly this type.
		return io.NopCloser(bytes.NewReader(r.Body)), nil
	}
	request.Body, _ = request.GetBody()
	return request
}

// read drains body, so that the connection can serve again, unless it is longer than MaxResponseBytes: then ended is
// false. It does not close the body, which for direct would read on.
func (c *Client) read(response *http.Response, keep int, result *Result) (ended bool, err error) {
	if response.Body == http.NoBody || response.StatusCode == http.StatusSwitchingProtocols {
		return true, nil // after 101 the body is the naked connection, and nobody will speak
	}
	scratch := c.scratch.Get().(*[MaxResponseBytes + 1]byte)
	defer c.scratch.Put(scratch)
	n, err := fill(response.Body, scratch[:])
	kept := min(n, keep)
	result.Body, result.Truncated = bytes.Clone(scratch[:kept]), n > kept
	return err == nil && n <= MaxResponseBytes, err
}

// fill reads until buffer is full or body ends. Unlike io.ReadFull it tells the end from a body cut short.
func fill(body io.Reader, buffer []byte) (int, error) {
	n := 0
	for n < len(buffer) {
		m, err := body.Read(buffer[n:])
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
