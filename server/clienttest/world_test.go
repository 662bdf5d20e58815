package clienttest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
	"github.com/postrider-dev/postrider/server"
)

const adminKey = "the-admin-key-of-these-tests"

// newServer starts a whole server that knows the types of the shop, and returns its URL.
func newServer(t testing.TB, change ...func(*server.Config)) string {
	t.Helper()
	config := server.DefaultConfig()
	config.Listen, config.Data, config.AdminKey = "127.0.0.1:0", t.TempDir(), adminKey
	config.Schemas = "../../gen/descriptors/shop.v1.binpb"
	for _, f := range change {
		f(&config)
	}
	instance, err := server.New(t.Context(), config, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- instance.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, instance.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return instance.URL()
}

func untyped(config *server.Config) { config.Schemas = "" }

// soon is a context for what must happen. It ends only what would hang: a busy machine may need long.
func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func publish(t testing.TB, c *client.Client, orderID string) client.Ack {
	t.Helper()
	ack, err := c.Publish(soon(t), paid(orderID))
	if err != nil {
		t.Fatal(err)
	}
	return ack
}

func paid(orderID string) *shopv1.OrderPaid {
	return &shopv1.OrderPaid{
		OrderId: orderID,
		Amount:  &shopv1.Money{Currency: "EUR", MinorUnits: 9007199254740993},
		Method:  &shopv1.OrderPaid_GiftCardCode{GiftCardCode: "ABCDEF012345"},
		PayTime: &timestamppb.Timestamp{Seconds: 1772352000, Nanos: 7},
	}
}

func cancelled(orderID string) *shopv1.OrderCancelled {
	return &shopv1.OrderCancelled{OrderId: orderID, CancelTime: timestamppb.Now()}
}

// roundTrips is an http.RoundTripper made of a function.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func through(f roundTrips) client.Option {
	return client.WithHTTPClient(&http.Client{Transport: f})
}

// network is a network between a client and a server that breaks on demand.
type network struct {
	url string

	mu     sync.Mutex
	opened int
	conns  []net.Conn
	// deaf is how many of the first connections never answer.
	deaf int
}

func newNetwork(t testing.TB, to string, deaf int) *network {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{url: "http://" + listener.Addr().String(), deaf: deaf}
	t.Cleanup(func() {
		_ = listener.Close()
		n.cut()
	})
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			n.join(near, to[len("http://"):])
		}
	}()
	return n
}

func (n *network) join(near net.Conn, address string) {
	far, err := net.Dial("tcp", address)
	if err != nil {
		_ = near.Close()
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opened++
	n.conns = append(n.conns, near, far)
	if n.opened > n.deaf {
		go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
	}
	go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
}

// cut breaks every connection there is.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, conn := range n.conns {
		_ = conn.Close()
	}
	n.conns = nil
}

func (n *network) connections() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.opened
}

func loopback(config *server.Config) {
	config.AllowTargets = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}
