package client

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

const (
	// DefaultAttempts is the number of attempts of a publish if neither WithAttempts nor the deadline of its context limits
	// them.
	DefaultAttempts = 10
	// idleConnections is the number of idle connections kept open to the server over HTTP/1.1, where each concurrent publish
	// needs one.
	idleConnections = 64
	maxRedirects    = 3
)

// Client calls one server. It is safe for concurrent use.
type Client struct {
	events postriderv1connect.EventServiceClient
	// duplex is for streams of publishes, which need HTTP/2.
	duplex        postriderv1connect.EventServiceClient
	subscriptions postriderv1connect.SubscriptionServiceClient
	// token returns the API key; nil for none. renewable means that it may return another key later.
	token     func(context.Context) (string, error)
	renewable bool
	tenant    string
	// attempts is 0 without WithAttempts.
	attempts int
	logger   *slog.Logger
	// fault is the reason why no call can be made.
	fault error
}

type config struct {
	Client
	grpc bool
	http connect.HTTPClient
}

// Option configures a Client.
type Option func(*config)

// WithKey sends an API key with every call.
func WithKey(key string) Option {
	return func(c *config) {
		c.token, c.renewable = func(context.Context) (string, error) { return key, nil }, false
	}
}

// WithToken calls a function for the API key before every attempt of a call, so keys can change while the program runs. An
// attempt whose key is refused is repeated with the key that the function returns then. The function should be fast, so cache
// the key while it is valid.
func WithToken(token func(context.Context) (string, error)) Option {
	return func(c *config) { c.token, c.renewable = token, true }
}

// WithTenant acts for a tenant. The default is the tenant of the key.
func WithTenant(name string) Option { return func(c *config) { c.tenant = name } }

// WithHTTPClient sends requests through h. A timeout of h would end live streams, and PublishStream needs HTTP/2.
func WithHTTPClient(h connect.HTTPClient) Option { return func(c *config) { c.http = h } }

// WithGRPC uses gRPC, over HTTP/2 for http:// URLs too, instead of the Connect protocol, which any HTTP proxy supports.
func WithGRPC() Option { return func(c *config) { c.grpc = true } }

// WithAttempts limits the number of attempts of a publish, including the first; 1 means no retries. Without it, a publish is
// repeated until the deadline of its context, or DefaultAttempts times if there is none.
func WithAttempts(n int) Option { return func(c *config) { c.attempts = max(n, 1) } }

// WithLogger logs each retry and each reconnect. Without it, they are not logged.
func WithLogger(logger *slog.Logger) Option { return func(c *config) { c.logger = logger } }

// New returns a client for the server at serverURL, for example "http://127.0.0.1:8080". It does not connect. If the URL is
// invalid, every call returns that error.
func New(serverURL string, options ...Option) *Client {
	c := config{Client: Client{logger: slog.New(slog.DiscardHandler), fault: checkURL(serverURL)}}
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
	c.events = postriderv1connect.NewEventServiceClient(c.http, serverURL, protocol...)
	c.subscriptions = postriderv1connect.NewSubscriptionServiceClient(c.http, serverURL, protocol...)
	c.duplex = postriderv1connect.NewEventServiceClient(duplexOnly{duplex}, serverURL, protocol...)
	return &c.Client
}

// newHTTPClient returns a client without a timeout, because streams are long-lived and calls have their own limits. With
// onlyHTTP2 it uses HTTP/2 for http:// URLs, too.
func newHTTPClient(onlyHTTP2 bool) *http.Client {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: idleConnections}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP2(true)
	if onlyHTTP2 {
		transport.Protocols.SetUnencryptedHTTP2(true)
	} else {
		transport.Protocols.SetHTTP1(true)
	}
	return &http.Client{Transport: transport, CheckRedirect: stayOnHost}
}

// stayOnHost follows a redirect only if it is for the same method at the same host, for example to https. Other redirects
// lead to pages for people, such as a login, and must not receive an event.
func stayOnHost(next *http.Request, via []*http.Request) error {
	if first := via[0]; next.Method != first.Method || next.URL.Hostname() != first.URL.Hostname() || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// duplexOnly is an HTTP client for bidirectional streams, which HTTP/1.1 does not support.
type duplexOnly struct{ connect.HTTPClient }

// Do returns a final error if an RPC server responds over HTTP/1.1. Other responses over HTTP/1.1 come from a proxy.
func (d duplexOnly) Do(request *http.Request) (*http.Response, error) {
	response, err := d.HTTPClient.Do(request)
	if err != nil || response.ProtoMajor >= 2 || !isRPC(response) {
		return response, err
	}
	_ = response.Body.Close()
	return nil, connect.NewError(connect.CodeUnimplemented, fmt.Errorf("%w: a stream of publishes needs HTTP/2", errMistake))
}

func isRPC(response *http.Response) bool {
	contentType := response.Header.Get("Content-Type")
	return strings.HasPrefix(contentType, "application/connect+") || strings.HasPrefix(contentType, "application/grpc")
}

// checkURL returns an error for a URL that cannot be that of a server. The error does not contain the URL, which may include
// a password.
func checkURL(text string) error {
	parsed, err := url.Parse(text)
	switch {
	case err != nil, parsed.Scheme != "http" && parsed.Scheme != "https", parsed.Host == "":
		return mistake("the server's URL has to begin with http:// or https:// and a host")
	case parsed.RawQuery != "" || parsed.Fragment != "":
		return mistake("the server's URL must have neither a query nor a fragment")
	default:
		return nil
	}
}

// newRequest returns a request with the key of c.
func newRequest[T any](ctx context.Context, c *Client, message *T) (*connect.Request[T], error) {
	request := connect.NewRequest(message)
	return request, c.authorize(ctx, request.Header())
}

// authorize adds the key to a header.
func (c *Client) authorize(ctx context.Context, header http.Header) error {
	if c.token == nil || c.fault != nil {
		return c.fault
	}
	key, err := c.token(ctx)
	switch {
	case err != nil:
		return &keyError{err}
	case strings.ContainsFunc(key, unsendable):
		return mistake("the key holds characters that no header can, such as a line break")
	}
	header.Set("Authorization", "Bearer "+key)
	return nil
}

// unsendable reports whether no header can contain a character: control characters other than a tab (RFC 9110, 5.5).
func unsendable(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
