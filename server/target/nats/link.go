package nats

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// ConnectionBytes is the memory of a connection: the client library's buffers, those of TLS, and stacks. TestMemoryOfAConnection checks it.
const ConnectionBytes = 128 << 10

const (
	// idleTime is how long a connection is kept that nothing is sent over.
	idleTime = 15 * time.Second
	// largeEvent is the size above which the client's buffer, which never shrinks, is worth a new connection.
	largeEvent = 32 << 10
	// flushTimeout bounds one write of the client.
	flushTimeout = 5 * time.Second
)

// link is a target's one connection: made for the first attempt that needs it, shared by all, and given up when it is idle. The client may
// close it earlier while it is idle.
type link struct {
	client *egress.Client
	tenant gateway.TenantID
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

func newLink(client *egress.Client, spec target.Spec, urls []string, login func() (login, error)) *link {
	return &link{
		client: client, tenant: spec.Tenant, urls: urls, login: sync.OnceValues(login), timeout: spec.Timeout,
		dialing: make(chan struct{}, 1),
	}
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
	if l.users == 0 && !l.conn.raw.Use() {
		l.drop()
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
	if l.users--; l.users > 0 || l.conn == nil {
		return
	}
	if l.conn.large.Load() {
		l.drop()
		return
	}
	l.conn.raw.Idle()
	if l.idle == nil {
		l.idle = time.AfterFunc(idleTime, l.giveUpIdle)
		return
	}
	l.idle.Reset(idleTime)
}

// forget drops a connection that has ended, so that its buffers can be freed before the next attempt.
func (l *link) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == c {
		l.conn = nil
	}
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
