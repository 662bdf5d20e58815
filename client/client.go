package client

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/gen/go/postrider/v1/postriderv1connect"
)

const (
	// DefaultAttempts is how often a publish is tried when WithAttempts does not say.
	DefaultAttempts = 10
	// idleConnections are kept open to the server over HTTP/1.1, where each publish under way needs one of its own.
	idleConnections = 64
)

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	events postriderv1connect.EventServiceClient
	// duplex is for streams of publishes, which need HTTP/2.
	duplex postriderv1connect.EventServiceClient
	// token answers the key to show, nil for none; renewable says that it may answer another one later.
	token     func(context.Context) (string, error)
	renewable bool
	tenant    string
	attempts  int
	logger    *slog.Logger
}

type config struct {
	Client
	grpc bool
	http connect.HTTPClient
}

// Option changes how a Client is made.
type Option func(*config)

// WithKey shows an API key with every call.
func WithKey(key string) Option {
	return func(c *config) {
		c.token, c.renewable = func(context.Context) (string, error) { return key, nil }, false
	}
}

// WithToken asks for a key before every attempt of a call, so that keys can change while the program runs: an attempt that
// is refused for its key is made again with what the function answers then. It should be quick, so keep the key for as long
// as it is good.
func WithToken(token func(context.Context) (string, error)) Option {
	return func(c *config) { c.token, c.renewable = token, true }
}

// WithTenant acts for a tenant; without, for the key's own.
func WithTenant(name string) Option { return func(c *config) { c.tenant = name } }

// WithHTTPClient sends requests through h. A timeout of h's own would end live streams, and PublishStream needs HTTP/2.
func WithHTTPClient(h connect.HTTPClient) Option { return func(c *config) { c.http = h } }

// WithGRPC speaks gRPC, over HTTP/2 with http:// URLs too, in place of the Connect protocol, which any HTTP proxy
// understands.
func WithGRPC() Option { return func(c *config) { c.grpc = true } }

// WithAttempts bounds how often a publish is tried, the first time included; 1 is without retries.
func WithAttempts(n int) Option { return func(c *config) { c.attempts = max(n, 1) } }

// WithLogger says each retry and each reconnect; without, they are silent.
func WithLogger(logger *slog.Logger) Option { return func(c *config) { c.logger = logger } }

// New makes a client of the server at url, for example "http://127.0.0.1:8080". It does not connect: a url that is wrong
// is told by the first call.
func New(url string, options ...Option) *Client {
	c := config{Client: Client{attempts: DefaultAttempts, logger: slog.New(slog.DiscardHandler)}}
	for _, option := range options {
		option(&c)
	}
	var protocol []connect.ClientOption
	if c.grpc {
		protocol = append(protocol, connect.WithGRPC())
	}
	duplex := c.http
	if c.http == nil {
		c.http, duplex = newHTTPClient(c.grpc), newHTTPClient(true)
	}
	c.events = postriderv1connect.NewEventServiceClient(c.http, url, protocol...)
	c.duplex = postriderv1connect.NewEventServiceClient(duplex, url, protocol...)
	return &c.Client
}

// newHTTPClient has no timeout of its own, for streams last; the calls bound themselves. With onlyHTTP2 it speaks that with
// http:// URLs too.
func newHTTPClient(onlyHTTP2 bool) *http.Client {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: idleConnections}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP2(true)
	if onlyHTTP2 {
		transport.Protocols.SetUnencryptedHTTP2(true)
	} else {
		transport.Protocols.SetHTTP1(true)
	}
	return &http.Client{Transport: transport}
}

// newRequest is a request of c's caller.
func newRequest[T any](ctx context.Context, c *Client, message *T) (*connect.Request[T], error) {
	request := connect.NewRequest(message)
	return request, c.authorize(ctx, request.Header())
}

// authorize shows the caller's key.
func (c *Client) authorize(ctx context.Context, header http.Header) error {
	if c.token == nil {
		return nil
	}
	key, err := c.token(ctx)
	if err != nil {
		return fmt.Errorf("ask for a key: %w", err)
	}
	header.Set("Authorization", "Bearer "+key)
	return nil
}
