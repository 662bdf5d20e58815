package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/gateway"
)

// connect tries the servers in turn.
func (l *link) connect(ctx context.Context) (*conn, error) {
	var first error
	for _, address := range l.urls {
		c, err := l.connectTo(ctx, address)
		if err == nil {
			return c, nil
		}
		if isExhausted(err) {
			return nil, err
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

// isExhausted reports whether the fault is with this process, and not with a server.
func isExhausted(err error) bool {
	var dial *egress.Error
	return errors.As(err, &dial) && dial.Kind == egress.KindExhausted
}

// connectTo connects to one server. The client library gets the connection when it is dialled and encrypted, so what it allocates is
// allocated only then.
func (l *link) connectTo(ctx context.Context, address string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout/time.Duration(len(l.urls)))
	defer cancel()
	login, err := l.login()
	if err != nil {
		return nil, err
	}
	d, err := dial(ctx, l.client, l.tenant, address, login.secure)
	if err != nil {
		return nil, explain(ctx, err, address)
	}
	// The library's own handshake knows no context.
	stop := context.AfterFunc(ctx, func() { _ = d.raw.Close() })
	c, err := l.handshake(d, address, login.options)
	if !stop() && err == nil {
		c.close()
		err = ctx.Err()
	}
	if err != nil {
		_ = d.raw.Close()
		return nil, explain(ctx, err, address)
	}
	return c, nil
}

// handshake hands a dialled connection to the client library, which logs in.
func (l *link) handshake(d *dialled, address string, login []natsgo.Option) (c *conn, err error) {
	c = &conn{
		raw: d.raw, checked: d.checked, ended: make(chan struct{}),
		cost: gateway.Timings{DNS: d.raw.DNS, Connect: d.raw.Connect, TLS: d.handshake},
	}
	options := append(slices.Clone(login),
		natsgo.SetCustomDialer(d), natsgo.Timeout(l.timeout), natsgo.FlusherTimeout(min(l.timeout, flushTimeout)),
		natsgo.ClosedHandler(func(nats *natsgo.Conn) {
			c.endedBy(nats.LastError())
			close(c.ended)
			l.forget(c)
		}),
		natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) { c.complain(err) }),
	)
	if c.nats, err = natsgo.Connect(address, options...); err != nil {
		return nil, err
	}
	if c.js, err = jetstream.New(c.nats, jetstream.WithPublishAsyncTimeout(l.timeout)); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// explain returns the error of an attempt to connect. One of the dial says enough already.
func explain(ctx context.Context, err error, address string) error {
	var dial *egress.Error
	switch {
	case errors.As(err, &dial):
		return dial
	case ctx.Err() != nil:
		return fmt.Errorf("no connection to %s in time: %w", address, context.DeadlineExceeded)
	}
	return fmt.Errorf("connection to %s: %w", address, err)
}
