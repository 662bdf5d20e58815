package egress

import (
	"container/list"
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Conn is a long-lived connection for a protocol other than HTTP. It is in use at first.
type Conn struct {
	net.Conn
	// Address is the IP and port dialled.
	Address string
	// DNS and Connect say where the time went.
	DNS, Connect time.Duration

	tenant gateway.TenantID
	places *longLived
	// idle is the place among the idle connections, nil while the connection is in use. places.mu guards it and closed.
	idle   *list.Element
	closed bool
}

// Dial connects to a host and port for a tenant, under the same rules as requests: the guard checks the address, and the connection counts
// as an open socket until it is closed. It also counts as a long-lived connection of the tenant: beyond the bound of those the error
// has KindExhausted. scheme is the protocol's, such as "nats", or "tls" when the caller encrypts the connection. The error is an *Error.
func (c *Client) Dial(ctx context.Context, tenant gateway.TenantID, scheme, address string) (*Conn, error) {
	if !c.longLived.enter(tenant) {
		return nil, &Error{KindExhausted, "there is no place for another long-lived connection", errNoPlace}
	}
	made, err := c.dial(ctx, scheme, address)
	if err != nil {
		c.longLived.leave(tenant)
		return nil, err
	}
	return &Conn{
		Conn: made, Address: made.address, DNS: made.dns, Connect: made.connect, tenant: tenant, places: c.longLived,
	}, nil
}

func (c *Client) dial(ctx context.Context, scheme, address string) (*conn, error) {
	d := newDialer(&c.guard, scheme, c.connect)
	d.sockets = c.sockets
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	made, err := d.open(bounded, address)
	switch {
	case err == nil:
		return made, nil
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
