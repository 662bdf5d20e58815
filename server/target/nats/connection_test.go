package nats_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/target/nats"
)

// network is one in memory: each dial is served by the same function.
type network struct {
	kind  *nats.Type
	dials atomic.Int64
}

func newNetwork(t testing.TB, config egress.Config, serve func(net.Conn)) *network {
	n := &network{}
	config.Guard = egress.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	config.Dial = func(context.Context, string, string) (net.Conn, error) {
		n.dials.Add(1)
		near, far := net.Pipe()
		go func() {
			defer func() { _ = far.Close() }()
			serve(far)
		}()
		return near, nil
	}
	client := egress.New(config)
	t.Cleanup(client.CloseIdle)
	n.kind = nats.NewType(client, "1", local)
	return n
}

func (n *network) target(t testing.TB) target.Target {
	t.Helper()
	return newTargetOf(t, n.kind, time.Minute, map[string]any{"urls": []string{"nats://127.0.0.1"}, "subject": "a"})
}

// acknowledge serves as a stream that takes everything.
func acknowledge(conn net.Conn) {
	_, _ = conn.Write([]byte(info))
	acknowledgeAll(conn)
}

// acknowledgeAll is acknowledge after INFO.
func acknowledgeAll(conn net.Conn) {
	serve(conn, func(sid, reply string) {
		const ack = `{"stream":"EVENTS","seq":1}`
		_, _ = fmt.Fprintf(conn, "MSG %s %s %d\r\n%s\r\n", reply, sid, len(ack), ack)
	})
}

// ignore serves as a server that acknowledges nothing.
func ignore(conn net.Conn) {
	_, _ = conn.Write([]byte(info))
	serve(conn, func(string, string) {})
}

// serve reads what a client sends after INFO. It hands the reply of each publication to a function, with the subscription for it.
func serve(conn net.Conn, publication func(sid, reply string)) {
	lines, sid := bufio.NewReaderSize(conn, 1<<10), ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		switch fields := strings.Fields(line); fields[0] {
		case "PING":
			_, _ = conn.Write([]byte("PONG\r\n"))
		case "SUB":
			sid = fields[len(fields)-1]
		case "HPUB":
			size, _ := strconv.Atoi(fields[len(fields)-1])
			_, _ = lines.Discard(size + len("\r\n"))
			publication(sid, fields[2])
		}
	}
}

var ofOne = []struct {
	name   string
	config egress.Config
}{
	{"socket", egress.Config{MaxSockets: 1}},
	{"long-lived connection", egress.Config{MaxLongLived: 1}},
}

// An idle connection makes room for that of another subscription, and is made anew when it is needed.
func TestIdleConnectionMakesRoom(t *testing.T) {
	t.Parallel()
	for _, c := range ofOne {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, c.config, acknowledge)
				first, second := n.target(t), n.target(t)
				for i, to := range []target.Target{first, second, first, first} {
					if o := send(t, to); o.Kind != gateway.OutcomeDelivered {
						t.Errorf("event %d: %+v", i, o)
					}
				}
				if got := n.dials.Load(); got != 3 {
					t.Errorf("%d connections were made, want 3", got)
				}
			})
		})
	}
}

// A connection in use is not given up. The attempt that needs another one has not failed.
func TestConnectionInUseIsKept(t *testing.T) {
	t.Parallel()
	for _, c := range ofOne {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, c.config, ignore)
				first, second := n.target(t), n.target(t)
				ended := make(chan gateway.Outcome)
				go func() { ended <- first.Send(t.Context(), event(), time.Now()) }()
				synctest.Wait()
				if o := send(t, second); !o.NoSocket || o.Kind != gateway.OutcomeNone || o.Error == "" {
					t.Errorf("beside an attempt: %+v", o)
				}
				if o := <-ended; !strings.Contains(o.Error, "no acknowledgement") {
					t.Errorf("the attempt: %+v", o)
				}
				if o := send(t, second); !strings.Contains(o.Error, "no acknowledgement") {
					t.Errorf("after the attempt: %+v", o)
				}
			})
		})
	}
}

// A server that is down, followed by no free connection, is not the endpoint's failure: the second server may be up.
func TestNoConnectionForTheSecondServerIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, egress.Config{MaxSockets: 1}, ignore)
		busy := n.target(t)
		go busy.Send(t.Context(), event(), time.Now())
		synctest.Wait()
		to := newTargetOf(t, n.kind, time.Second, map[string]any{
			"urls": []string{"nats://169.254.169.254", "nats://127.0.0.1"}, "subject": "a",
		})
		if o := send(t, to); !o.NoSocket {
			t.Errorf("%+v", o)
		}
	})
}

// An attempt that gets no connection leaves neither a socket nor a goroutine behind, whatever the server does.
func TestFailedConnectionsLeaveNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
	}{
		{"hangs up", func(net.Conn) {}},
		{"never speaks", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }},
		{"never ends its first line", says("INFO {", -1)},
		{"never answers the login", says(info, -1)},
		{"hangs up at the login", says(info, 10)},
		{"refuses the login", says(info+"-ERR 'Authorization Violation'\r\n", -1)},
		{"never answers the TLS handshake", says(`INFO {"tls_required":true}`+"\r\n", -1)},
		{"hangs up in the TLS handshake", says(`INFO {"tls_required":true}`+"\r\n", 10)},
		{"sends half a TLS record and hangs up", func(conn net.Conn) {
			says(`INFO {"tls_required":true}`+"\r\n", 10)(conn)
			_, _ = conn.Write([]byte{22, 3, 3, 0, 100, 2})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, egress.Config{MaxSockets: 1, MaxLongLived: 1}, c.serve)
				for range 5 {
					to := n.target(t)
					if o := send(t, to); o.Kind != gateway.OutcomeEndpointFailure {
						t.Errorf("%+v", o)
					}
				}
			})
		})
	}
}

// says serves as a server that sends its first text, and reads a number of bytes; all when it is negative.
func says(text string, reads int64) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Write([]byte(text))
		if reads < 0 {
			_, _ = io.Copy(io.Discard, conn)
			return
		}
		_, _ = io.CopyN(io.Discard, conn, reads)
	}
}

// A subscription that is changed again and again makes a target each time. One that is closed leaves no connection behind.
func TestTargetsOneAfterTheOtherHaveOneConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, egress.Config{MaxSockets: 1, MaxLongLived: 1}, ignore)
		for range 1000 {
			to := n.target(t)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan gateway.Outcome)
			go func() { ended <- to.Send(ctx, event(), time.Now()) }()
			synctest.Wait()
			cancel()
			if o := <-ended; o.Kind != gateway.OutcomeNone || o.NoSocket {
				t.Fatalf("%+v", o)
			}
			to.Close()
		}
	})
}

// Not parallel, since it measures the memory of the process. Over TLS that of the server is part of it.
func TestMemoryOfAConnection(t *testing.T) {
	certificate, authority := selfSigned(t)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	for _, c := range []struct {
		name   string
		serve  func(net.Conn)
		target map[string]any
	}{
		{"plain", acknowledge, map[string]any{"urls": []string{"nats://127.0.0.1"}, "subject": "a"}},
		{"TLS", func(conn net.Conn) {
			_, _ = conn.Write([]byte(strings.Replace(info, "{", `{"tls_required":true,`, 1)))
			acknowledgeAll(tls.Server(conn, config))
		}, map[string]any{"urls": []string{"tls://127.0.0.1"}, "subject": "a", "caCertificates": authority}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// A bubble ends when its goroutines have, so the next measurement begins without them.
			synctest.Test(t, func(t *testing.T) {
				each := memoryOfEach(t, newNetwork(t, egress.Config{}, c.serve), c.target)
				t.Logf("%d bytes for each connection", each)
				if each > nats.ConnectionBytes {
					t.Errorf("a connection takes %d bytes, more than %d", each, nats.ConnectionBytes)
				}
			})
		})
	}
}

// memoryOfEach returns the memory of a target's connection: that of the second hundred, since the first make what all share.
func memoryOfEach(t *testing.T, n *network, config map[string]any) int64 {
	const hundred = 100
	var at [3]int64
	for i := range at {
		at[i] = memory()
		for range hundred {
			if o := send(t, newTargetOf(t, n.kind, time.Minute, config)); o.Kind != gateway.OutcomeDelivered {
				t.Fatalf("%+v", o)
			}
		}
	}
	return (at[2] - at[1]) / hundred
}

// memory is what the heap and the stacks take.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
