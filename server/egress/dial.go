package egress

import (
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"time"
)

// Conn is a connection for a protocol other than HTTP.
type Conn struct {
	net.Conn
	// Address is the IP and port dialled.
	Address string
	// DNS and Connect say where the time went.
	DNS, Connect time.Duration
}

// Dial connects to a host and port under the same rules as requests: the guard checks the address, and the connection counts as an open
// socket until it is closed. scheme is the protocol's, such as "nats", or "tls" when the caller encrypts the connection. The
// error is an *Error.
func (c *Client) Dial(ctx context.Context, scheme, address string) (*Conn, error) {
	d := newDialer(&c.guard, scheme, c.connect)
	d.sockets = c.sockets
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	made, err := d.open(bounded, address)
	switch {
	case err == nil:
		return &Conn{Conn: made, Address: made.address, DNS: made.dns, Connect: made.connect}, nil
	case ctx.Err() == context.Canceled:
		return nil, &Error{KindCanceled, "canceled", err}
	}
	return nil, classify(err, address)
}

// RootCAs are the authorities that the client trusts; nil for the system's.
func (c *Client) RootCAs() *x509.CertPool { return c.rootCAs }

// CheckServer is CheckURL for the URL of a server that speaks another protocol than HTTP.
func (g *Guard) CheckServer(ctx context.Context, u *url.URL) error {
	if fault := placeFault(u); fault != "" {
		return badURL(fault)
	}
	_, err := g.permitted(ctx, u.Scheme, u.Hostname())
	return err
}
