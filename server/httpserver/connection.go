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

// Bounds of what a connection and an address may cost before a caller is known. Calls beyond atOnce wait for those
// before them; they are all short, for none of those waits for its client, so a few keep all processors busy. Everybody else waits
// behind those few wherever work is handed on. When many wait for their turn, no more are read.
const (
	atOnceConnection  = 8
	atOnceAddress     = 16
	waitingConnection = 64
	waitingAddress    = 256
)

// expectedConnection is how many calls of a connection may wait for their bodies. The next one is refused before anything else is
// done for it, and the connection takes no more.
const expectedConnection = 256

// Bounds of the frames of an address that bring nothing: 1,000 calls given up a second, or 10,000 pings. That is a twentieth of
// a processor, and more than the clients behind a proxy give up. They do so when their deadlines pass, so two connections' worth
// may be given up at once. Beyond that the connections are read slowly.
const (
	controlPerSecond = 1000 * costOfReset
	controlBurst     = 2 * maxStreams * costOfReset
)

// readAtOnce is how many bytes a connection reads before it lets others go first, and a call that its client begins counts for as
// many. What one client has its server do is then spread among what the others ask, however much comes at once: a thousand calls
// that began in one moment would all stand before each step of everybody else's.
const readAtOnce = 64 << 10

// connection is one of a client's, and what all its calls may cost.
type connection struct {
	net.Conn
	address string
	// ctx ends when the connection is closed.
	ctx   context.Context
	close func()

	// unshared is what was read since others last went first, in bytes.
	unshared int
	client   clientFrames
	server   serverFrames
	// owed is what the server's resets cost, to be paid with the next read.
	owed atomic.Int32
	// sent is how many bytes were written.
	sent atomic.Int64
	// control is what each address has left for frames that bring nothing.
	control *limit.Rates

	turns limit.Turn
	// waiting is the number of calls that wait for their turn.
	waiting atomic.Int32
	// expected is the number of calls whose bodies are waited for.
	expected atomic.Int32
	// others are the turns of all connections of the address.
	others *limit.AddressTurn
}

// newConnection begins the account of a connection. leave is called once it is closed.
func newConnection(conn net.Conn, address string, others *limit.AddressTurn, control *limit.Rates, leave func()) *connection {
	ctx, cancel := context.WithCancel(context.Background())
	return &connection{
		Conn: conn, address: address, ctx: ctx, control: control, turns: limit.NewTurn(atOnceConnection), others: others,
		close: sync.OnceFunc(func() {
			cancel()
			others.Leave()
			leave()
		}),
	}
}

// Read implements net.Conn. On HTTP/2 it waits while the client costs too much: what is not read fills the client's own
// buffers, and costs nobody else. net/http reads frame by frame, so that the next call is not begun meanwhile.
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

// waitBehindCalls waits until the calls before have had their turns, where many wait for theirs.
func (c *connection) waitBehindCalls() {
	if c.waiting.Load() < waitingConnection && c.others.Waiting() < waitingAddress {
		return
	}
	if leave, ok := c.enter(c.ctx); ok {
		leave()
	}
}

// enter waits for a turn; false when ctx ends before.
func (c *connection) enter(ctx context.Context) (leave func(), ok bool) {
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
	if ctx.Err() != nil || !c.turns.Take(ctx) {
		return nil, false
	}
	if !c.others.Take(ctx) {
		c.turns.Give()
		return nil, false
	}
	return func() {
		c.others.Give()
		c.turns.Give()
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

// CloseWrite says that nothing more comes, where the connection can say so.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

type connectionKey struct{}

// withConnection lets the calls of a connection know it.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

func connectionOf(r *http.Request) *connection {
	return r.Context().Value(connectionKey{}).(*connection)
}
