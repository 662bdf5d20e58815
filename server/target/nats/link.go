package nats

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// idleTime is how long a connection is kept that nothing is sent over.
	idleTime = 15 * time.Second
	// largeEvent is the size above which the client's buffer, which never shrinks, is worth a new connection.
	largeEvent = 32 << 10
	// flushTimeout bounds one write of the client.
	flushTimeout = 5 * time.Second
)

// link is a target's one connection: made for the first attempt that needs it, shared by all, and given up when it is idle.
type link struct {
	client *egress.Client
	urls   []string
	// login is parsed once, by the first attempt: parsing keys takes time.
	login   func() (login, error)
	timeout time.Duration

	// dialing has room for the attempt that connects.
	dialing chan struct{}

	mu     sync.Mutex
	conn   *conn
	users  int
	idle   *time.Timer
	closed bool
}

// conn is one connection.
type conn struct {
	raw *egress.Conn
	// checked is raw with its frames checked.
	checked *framed
	nats    *natsgo.Conn
	js      jetstream.JetStream
	// ended is closed when the connection is.
	ended chan struct{}
	// cost is what it took to connect; the first attempt reports that.
	cost gateway.Timings
	// large reports that an event was sent for which the client has made a large buffer.
	large atomic.Bool

	mu sync.Mutex
	// complaint is the last error that the server sent on its own, such as a missing permission, or why the connection ended.
	complaint error
}

func newLink(client *egress.Client, urls []string, login func() (login, error), timeout time.Duration) *link {
	return &link{client: client, urls: urls, login: sync.OnceValues(login), timeout: timeout, dialing: make(chan struct{}, 1)}
}

// use returns a connection, and whether it is new. Each successful call is followed by done.
func (l *link) use(ctx context.Context) (c *conn, isNew bool, err error) {
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if c := l.current(); c != nil {
		return c, false, nil
	}
	select {
	case l.dialing <- struct{}{}:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	defer func() { <-l.dialing }()
	if c := l.current(); c != nil {
		return c, false, nil
	}
	if c, err = l.connect(ctx); err != nil {
		return nil, false, err
	}
	return c, true, l.adopt(c)
}

// current returns the connection there is, nil for none, and keeps it from being idle.
func (l *link) current() *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil || l.conn.hasEnded() {
		return nil
	}
	l.users++
	return l.conn
}

func (l *link) adopt(c *conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		c.close()
		return errors.New("the target is closed")
	}
	l.conn = c
	l.users++
	return nil
}

// done ends a use.
func (l *link) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users--; l.users > 0 || l.closed {
		return
	}
	if l.conn != nil && l.conn.large.Load() {
		l.drop()
		return
	}
	if l.idle == nil {
		l.idle = time.AfterFunc(idleTime, l.giveUpIdle)
		return
	}
	l.idle.Reset(idleTime)
}

func (l *link) giveUpIdle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users == 0 {
		l.drop()
	}
}

// drop closes the connection, if there is one. l.mu is held.
func (l *link) drop() {
	if l.conn != nil {
		l.conn.close()
		l.conn = nil
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.idle != nil {
		l.idle.Stop()
	}
	l.drop()
}

// connect tries the servers in turn.
func (l *link) connect(ctx context.Context) (*conn, error) {
	var first error
	for _, address := range l.urls {
		c, err := l.connectTo(ctx, address)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// connectTo connects to one server. The end of ctx closes the socket, since the client's own handshake knows no context.
func (l *link) connectTo(ctx context.Context, address string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout/time.Duration(len(l.urls)))
	defer cancel()
	login, err := l.login()
	if err != nil {
		return nil, err
	}
	c := &conn{ended: make(chan struct{})}
	d := &dialer{
		ctx: ctx, client: l.client, scheme: address[:strings.Index(address, ":")], secure: login.secure,
		stop: func() bool { return true },
	}
	options := append(slices.Clone(login.options),
		natsgo.SetCustomDialer(d), natsgo.Timeout(l.timeout), natsgo.FlusherTimeout(min(l.timeout, flushTimeout)),
		natsgo.ClosedHandler(func(nats *natsgo.Conn) {
			c.endedBy(nats.LastError())
			close(c.ended)
		}),
		natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) { c.complain(err) }),
	)
	c.nats, err = natsgo.Connect(address, options...)
	if !d.stop() && err == nil {
		c.nats.Close()
		err = ctx.Err()
	}
	if err != nil {
		return nil, d.explain(ctx, err, address)
	}
	c.raw, c.checked = d.conn, d.checked
	c.cost = gateway.Timings{DNS: d.conn.DNS, Connect: d.conn.Connect, TLS: d.handshake}
	if c.js, err = jetstream.New(c.nats, jetstream.WithPublishAsyncTimeout(l.timeout)); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *conn) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// publishing records that an event is handed to the client.
func (c *conn) publishing(bytes int) {
	c.checked.published.Add(int64(bytes))
	if bytes > largeEvent {
		c.large.Store(true)
	}
}

// close closes the socket first: the client would wait for a peer that does not read.
func (c *conn) close() {
	_ = c.raw.Close()
	c.nats.Close()
}

// endedBy records the reason of the end, unless that is that the server has hung up.
func (c *conn) endedBy(err error) {
	if err != nil && !errors.Is(err, io.EOF) {
		c.complain(err)
	}
}

func (c *conn) complain(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.complaint = err
}

// complained returns what the server said last on its own, nil for nothing.
func (c *conn) complained() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.complaint
}

// dialer lets the client dial through the guard, and read checked frames only. For that it does the TLS handshake in the client's place.
type dialer struct {
	ctx       context.Context
	client    *egress.Client
	scheme    string
	secure    *tls.Config
	conn      *egress.Conn
	checked   *framed
	handshake time.Duration
	err       error
	stop      func() bool
}

// Dial implements natsgo.CustomDialer.
func (d *dialer) Dial(_, address string) (net.Conn, error) {
	d.conn, d.err = d.client.Dial(d.ctx, d.scheme, address)
	if d.err != nil {
		return nil, d.err
	}
	raw := d.conn
	d.stop = context.AfterFunc(d.ctx, func() { _ = raw.Close() })
	var err error
	if d.checked, err = d.open(address); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return d.checked, nil
}

// SkipTLSHandshake tells the client that the connection is encrypted already where it has to be.
func (*dialer) SkipTLSHandshake() bool { return true }

// open reads the server's first line, INFO, and encrypts the connection where the URL or the server asks for that. A server without TLS is
// left to the client, which refuses it.
func (d *dialer) open(address string) (*framed, error) {
	plain := &framed{Conn: d.conn}
	line, rest, err := plain.peekLine()
	if err != nil {
		return nil, fmt.Errorf("no INFO: %w", err)
	}
	var info struct {
		Required  bool `json:"tls_required"`
		Available bool `json:"tls_available"`
	}
	_, text, _ := bytes.Cut(line, []byte(" "))
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, fmt.Errorf("malformed INFO: %w", err)
	}
	if !info.Required && (d.scheme != "tls" || !info.Available) {
		return plain, nil
	}
	if len(rest) > 0 {
		return nil, errors.New("the server sends more than INFO before the TLS handshake")
	}
	config := d.secure.Clone()
	config.ServerName, _, _ = net.SplitHostPort(address)
	encrypted := tls.Client(d.conn, config)
	start := time.Now()
	if err := encrypted.HandshakeContext(d.ctx); err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	d.handshake = time.Since(start)
	return &framed{Conn: encrypted, first: plain.first}, nil
}

// explain returns the error of the dial, if that failed: the client replaces some.
func (d *dialer) explain(ctx context.Context, err error, address string) error {
	switch {
	case d.err != nil:
		return d.err
	case ctx.Err() != nil:
		return fmt.Errorf("no connection to %s in time: %w", address, context.DeadlineExceeded)
	}
	return fmt.Errorf("connection to %s: %w", address, err)
}
