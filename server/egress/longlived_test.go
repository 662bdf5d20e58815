package egress_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
)

// piped makes a client that dials in memory and may have a number of long-lived connections.
func piped(t *testing.T, limit int) *egress.Client {
	c := egress.New(egress.Config{Guard: loopback(t), MaxLongLived: limit, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		t.Cleanup(func() { _ = far.Close() })
		return near, nil
	}})
	t.Cleanup(c.CloseIdle)
	return c
}

// dialUntilExhausted opens connections for a tenant until none is free.
func dialUntilExhausted(t *testing.T, c *egress.Client, tenant gateway.TenantID) (open []*egress.Conn) {
	t.Helper()
	for {
		conn, err := c.Dial(t.Context(), tenant, "nats", "127.0.0.1:4222")
		if err != nil {
			expectKind(t, err, egress.KindExhausted)
			return open
		}
		t.Cleanup(func() { _ = conn.Close() })
		open = append(open, conn)
	}
}

// stillOpen counts the connections that are open, and uses them.
func stillOpen(conns []*egress.Conn) (n int) {
	for _, c := range conns {
		if c.Use() {
			n++
		}
	}
	return n
}

func expectConns(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d connections, want %d", what, got, want)
	}
}

func TestATenantLeavesLongLivedConnectionsToOthers(t *testing.T) {
	t.Parallel()
	c := piped(t, 16)
	first := dialUntilExhausted(t, c, 1)
	expectConns(t, "the first tenant", len(first), 12)
	expectConns(t, "the second tenant", len(dialUntilExhausted(t, c, 2)), 3)
	expectConns(t, "the third tenant", len(dialUntilExhausted(t, c, 3)), 1)
	// Each counts once, however often it is closed.
	for range 2 {
		_ = first[0].Close()
	}
	expectConns(t, "the fourth tenant, after one is closed", len(dialUntilExhausted(t, c, 4)), 1)
}

func TestIdleLongLivedConnectionsAreGivenUp(t *testing.T) {
	t.Parallel()
	c := piped(t, 16)
	first := dialUntilExhausted(t, c, 1)
	for _, conn := range first {
		conn.Idle()
	}
	second := dialUntilExhausted(t, c, 2)
	// It gets those of the first tenant as long as that has as many.
	expectConns(t, "the second tenant", len(second), 8)
	expectConns(t, "the first tenant", stillOpen(first[6:]), 6)
	expectConns(t, "the longest idle ones of the first tenant", stillOpen(first[:6]), 0)
	if _, err := first[0].Write([]byte("PING\r\n")); err == nil {
		t.Error("a connection that was given up is open")
	}
}

// A tenant with many connections takes none of a tenant with few, and one of its own when that is idle.
func TestATenantWithFewLongLivedConnectionsKeepsThem(t *testing.T) {
	t.Parallel()
	c := piped(t, 16)
	few, err := c.Dial(t.Context(), 2, "nats", "127.0.0.1:4222")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = few.Close() })
	few.Idle()
	many := dialUntilExhausted(t, c, 1)
	expectConns(t, "the tenant with many", len(many), 12)
	many[3].Idle()
	if _, err := c.Dial(t.Context(), 1, "nats", "127.0.0.1:4222"); err != nil {
		t.Error(err)
	}
	expectConns(t, "its idle one", stillOpen(many[3:4]), 0)
	expectConns(t, "the tenant with few", stillOpen([]*egress.Conn{few}), 1)
}

// An idle connection makes room for a request, and one in use does not.
func TestIdleLongLivedConnectionsGiveUpTheirSockets(t *testing.T) {
	t.Parallel()
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer endpoint.Close()
	c := egress.New(egress.Config{Guard: loopback(t), MaxSockets: 2})
	defer c.CloseIdle()
	var open []*egress.Conn
	for range 2 {
		conn, err := c.Dial(t.Context(), 1, "nats", endpoint.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		open = append(open, conn)
	}
	expectKind(t, postOnce(t, c, endpoint.URL), egress.KindExhausted)
	open[1].Idle()
	if err := postOnce(t, c, endpoint.URL); err != nil {
		t.Error(err)
	}
	expectConns(t, "the one in use", stillOpen(open[:1]), 1)
	expectConns(t, "the idle one", stillOpen(open[1:]), 0)
}

func TestFailedDialsAreNoLongLivedConnections(t *testing.T) {
	t.Parallel()
	c := egress.New(egress.Config{Guard: loopback(t), MaxLongLived: 4, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, syscall.ECONNREFUSED
	}})
	for range 10 {
		_, err := c.Dial(t.Context(), 1, "nats", "127.0.0.1:4222")
		expectKind(t, err, egress.KindConnection)
	}
}
