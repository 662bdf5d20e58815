package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fallbackDelay is the time for which one address of a host is tried alone before the next one is tried, too (RFC 8305).
const fallbackDelay = 300 * time.Millisecond

// DialFunc connects to an address, which is always IP and port.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialer makes connections of one scheme.
type dialer struct {
	guard   *Guard
	scheme  string
	timeout time.Duration
	tls     *tls.Config
	connect DialFunc
	sockets *sockets
}

// newDialer returns a dialer that connects through connect; nil means the operating system.
func newDialer(guard *Guard, scheme string, connect DialFunc) *dialer {
	d := &dialer{guard: guard, scheme: scheme, connect: connect}
	if connect == nil {
		d.connect = (&net.Dialer{Control: d.control}).DialContext
	}
	return d
}

// control runs between the creation of the socket and the connect call, after which nothing can change the address.
func (d *dialer) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return &Error{Kind: KindRefused, Message: "an address that cannot be judged", cause: err}
	}
	return d.guard.Check(d.scheme, target.Addr())
}

// conn records the timings of its creation. The attempt that uses it first reports them.
type conn struct {
	net.Conn
	address           string
	dns, connect, tls time.Duration
	leave             func()
}

// Close ends the connection and frees its socket.
func (c *conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// unwrap returns the conn inside a connection of net/http; nil if there is none.
func unwrap(c net.Conn) *conn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

// dial is the DialContext of the transport for plain http. net/http detaches ctx from the deadline of the request, so that a
// later request can use the connection. The timeout of the dialer limits the dialling.
func (d *dialer) dial(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	c, err := d.open(ctx, address)
	if err != nil {
		return nil, classify(err, address)
	}
	return c, nil
}

// dialTLS is the DialTLSContext of the transport for https.
func (d *dialer) dialTLS(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	c, err := d.open(ctx, address)
	if err != nil {
		return nil, classify(err, address)
	}
	secure, err := d.handshake(ctx, c, address)
	if err != nil {
		_ = c.Close()
		return nil, handshakeError(err, c.address)
	}
	return secure, nil
}

func (d *dialer) handshake(ctx context.Context, c *conn, address string) (*tls.Conn, error) {
	start := time.Now()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	config := d.tls.Clone()
	config.ServerName = strings.TrimSuffix(host, ".")
	secure := tls.Client(c, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	c.tls = time.Since(start)
	return secure, nil
}

// handshakeError treats errors of a handshake for which crypto/tls has no type as TLS errors, too.
func handshakeError(err error, peer string) *Error {
	e := classify(err, peer)
	if e.Kind == KindOther {
		return &Error{KindTLS, "TLS with " + peer + ": " + plain(err), err}
	}
	return e
}

func (d *dialer) open(ctx context.Context, address string) (*conn, error) {
	start := time.Now()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	addrs, err := d.guard.permitted(ctx, d.scheme, host)
	if err != nil {
		return nil, err
	}
	if !d.sockets.enter() {
		return nil, exhausted(errNoSocket)
	}
	leave := sync.OnceFunc(d.sockets.leave)
	resolved := time.Now()
	if isAddress(host) {
		start = resolved // nothing was looked up
	}
	raw, peer, err := d.race(ctx, interleave(addrs), uint16(number))
	if err != nil {
		leave()
		return nil, err
	}
	return &conn{Conn: raw, address: peer, dns: resolved.Sub(start), connect: time.Since(resolved), leave: leave}, nil
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

type dialed struct {
	conn net.Conn
	peer string
	err  error
}

// race tries the addresses one after the other. Each is tried as soon as the previous one has failed or has had
// fallbackDelay. It returns the first connection, or the error of the first address.
func (d *dialer) race(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, string, error) {
	if len(addrs) == 1 {
		r := d.dialOne(ctx, addrs[0], port)
		return r.conn, r.peer, r.err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan dialed)
	next := time.NewTimer(0)
	defer next.Stop()
	var first error
	for started, ended := 0, 0; ended < len(addrs); {
		select {
		case <-ctx.Done():
			return nil, "", errors.Join(ctx.Err(), first)
		case <-next.C:
			if started < len(addrs) {
				go d.enter(ctx, addrs[started], port, results)
				started++
				next.Reset(fallbackDelay)
			}
		case r := <-results:
			if r.err == nil {
				return r.conn, r.peer, nil
			}
			if first == nil {
				first = r.err
			}
			ended++
			next.Reset(0)
		}
	}
	return nil, "", first
}

// enter dials and passes the result on, unless the race is over by then.
func (d *dialer) enter(ctx context.Context, addr netip.Addr, port uint16, results chan<- dialed) {
	r := d.dialOne(ctx, addr, port)
	select {
	case results <- r:
	case <-ctx.Done():
		if r.conn != nil {
			_ = r.conn.Close()
		}
	}
}

func (d *dialer) dialOne(ctx context.Context, addr netip.Addr, port uint16) dialed {
	peer := netip.AddrPortFrom(addr, port).String()
	c, err := d.connect(ctx, "tcp", peer)
	if err != nil {
		return dialed{err: classify(err, peer)}
	}
	return dialed{conn: c, peer: peer}
}

// interleave alternates between IPv6 and IPv4, beginning with the resolver's first choice. So a broken family costs one
// fallbackDelay and not one per address.
func interleave(addrs []netip.Addr) []netip.Addr {
	var same, other []netip.Addr
	for _, addr := range addrs {
		if addr.Is4() == addrs[0].Is4() {
			same = append(same, addr)
		} else {
			other = append(other, addr)
		}
	}
	mixed := make([]netip.Addr, 0, len(addrs))
	for i := range max(len(same), len(other)) {
		if i < len(same) {
			mixed = append(mixed, same[i])
		}
		if i < len(other) {
			mixed = append(mixed, other[i])
		}
	}
	return mixed
}
