package httpserver

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"github.com/postrider-dev/postrider/server/limit"
)

// unsentBytes limits the unsent data that the operating system buffers per connection. Without a limit it buffers 4 MiB for each client that
// does not read, which no budget of the server counts.
const unsentBytes = 256 << 10

// limitedListener bounds the connections of a listener. Each address may have as many connections as are still free, so one that opens
// as many as possible gets half of them and leaves room for the others. Further connections are closed at once.
type limitedListener struct {
	net.Listener
	// limit is 0 for any number.
	limit   int
	refused *limit.Sampler
	turns   *limit.Semaphores
	control *limit.Rates

	mu    sync.Mutex
	total int
	of    map[string]int
}

// boundConnections limits the cost of clients before they are known. At most that number of connections are open at a time; 0 means no
// limit. Connections that are closed because of the limit are logged at a limited rate.
func boundConnections(listener net.Listener, most int, logger *slog.Logger) net.Listener {
	return &limitedListener{
		Listener: listener, limit: most, refused: limit.NewSampler(logger), of: map[string]int{}, turns: limit.NewSemaphores(atOnceAddress),
		control: limit.NewRates(limit.Rate{PerSecond: controlPerSecond, Burst: controlBurst}, limit.Rate{}),
	}
}

func (c *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := limit.Address(conn.RemoteAddr().String())
		if c.enter(address) {
			boundUnsent(conn)
			return newConnection(conn, address, c.turns.Of(address), c.control, func() { c.leave(address) }), nil
		}
		_ = conn.Close()
		c.refused.Log(context.Background(), slog.LevelWarn, "connection refused: its address has as many as are free",
			slog.String("address", address), slog.Int("most", c.limit))
	}
}

func (c *limitedListener) enter(address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit != 0 && c.of[address] >= c.limit-c.total {
		return false
	}
	c.of[address]++
	c.total++
	return true
}

func (c *limitedListener) leave(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.of[address]--; c.of[address] == 0 {
		delete(c.of, address)
	}
}
