package httpserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/limit"
)

// Limits of a connection and an address before the caller is known. Calls beyond atOnce wait for earlier ones. Admission is short,
// because it never waits for a client, so a few calls keep all processors busy; more would only delay everybody else in the
// processors' queues. While many calls wait, no more are read.
const (
	atOnceConnection  = 8
	atOnceAddress     = 16
	waitingConnection = 64
	waitingAddress    = 256
)

// expectedConnection limits the calls of a connection that wait for their bodies. The next one is refused before any work is done for it,
// and the connection accepts no more.
const expectedConnection = 256

// Limits of the useless frames of an address: 1,000 cancelled calls a second, or 10,000 pings. That costs a twentieth of a processor,
// and is more than the clients behind a proxy send. Clients cancel calls when their deadlines pass, so the calls of two connections
// may be cancelled at once. Beyond the limits the connections are read slowly.
const (
	controlPerSecond = 1000 * costOfReset
	controlBurst     = 2 * maxStreams * costOfReset
)

// readAtOnce is the number of bytes that a connection reads before it yields; a call that its client begins counts as much. So the
// work for one client alternates with that for others, however much arrives at once. Otherwise a thousand calls that begin at the same
// moment would all be queued before each step of every other call.
const readAtOnce = 64 << 10

// connection is a connection of a client with the limits of all its calls.
type connection struct {
	net.Conn
	address string
	// ctx ends when the connection is closed.
	ctx   context.Context
	close func()

	// unshared is the number of bytes that were read since the last yield.
	unshared int
	client   clientFrames
	server   serverFrames
	// owed is the cost of the server's resets; the next read is charged for it.
	owed atomic.Int32
	// sent is the number of bytes written.
	sent atomic.Int64
	// control limits the useless frames of each address.
	control *limit.Rates

	turns limit.Semaphore
	// waiting is the number of calls that wait for a turn.
	waiting atomic.Int32
	// expected is the number of calls whose bodies are incomplete.
	expected atomic.Int32
	// others is the semaphore that all connections of the address share.
	others *limit.KeySemaphore
}

// newConnection wraps a connection. leave is called once when it is closed.
func newConnection(conn net.Conn, address string, others *limit.KeySemaphore, control *limit.Rates, leave func()) *connection {
	ctx, cancel := context.WithCancel(context.Background())
	return &connection{
		Conn: conn, address: address, ctx: ctx, control: control, turns: limit.NewSemaphore(atOnceConnection), others: others,
		close: sync.OnceFunc(func() {
			cancel()
			others.Leave()
			leave()
		}),
	}
}

// Read implements net.Conn. On HTTP/2 it waits while the client costs too much. Unread data fills the client's own buffers and costs
// nobody else. net/http reads frame by frame, so the next call does not begin in the meantime.
func (c *connection) Read(p []byte) (int, error) {
	if c.unshared >= readAtOnce {
		c.unshared = 0
		runtime.Gosched()
	}
	if c.client.plain {
		n, err := c.Conn.Read(p)
		c.unshared += n
		return n, err
	}
	c.waitBehindCalls()
	n, err := c.Conn.Read(p)
	cost, calls := c.client.pass(p[:n])
	c.unshared += n + calls*readAtOnce
	if cost += int(c.owed.Swap(0)) + c.client.unearned(c.sent.Load()); cost > 0 {
		c.sleep(c.control.Reserve(c.address, min(cost, controlBurst)))
	}
	return n, err
}

// Write implements net.Conn.
func (c *connection) Write(p []byte) (int, error) {
	if !c.client.plain {
		c.owed.Add(int32(c.server.resets(p) * costOfReset))
	}
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// waitBehindCalls waits for the earlier calls if many of them wait for a turn.
func (c *connection) waitBehindCalls() {
	if c.waiting.Load() < waitingConnection && c.others.Waiting() < waitingAddress {
		return
	}
	if leave, ok := c.enter(c.ctx); ok {
		leave()
	}
}

// enter waits for a turn. ok is false if ctx ends first.
func (c *connection) enter(ctx context.Context) (leave func(), ok bool) {
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
	if ctx.Err() != nil || !c.turns.Acquire(ctx) {
		return nil, false
	}
	if !c.others.Acquire(ctx) {
		c.turns.Release()
		return nil, false
	}
	return func() {
		c.others.Release()
		c.turns.Release()
	}, true
}

func (c *connection) sleep(wait time.Duration) {
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.close()
	return c.Conn.Close()
}

// CloseWrite closes the writing side, if the connection supports that.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

type connectionKey struct{}

// withConnection adds the connection to the context of its calls.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

func connectionOf(r *http.Request) *connection {
	return r.Context().Value(connectionKey{}).(*connection)
}
