package client

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/net/http/httpguts"

	"github.com/postrider-dev/postrider/gen/go/postrider/v1/postriderv1connect"
)

const (
	// DefaultAttempts is how often a publish is tried when neither WithAttempts nor a deadline of its context says.
	DefaultAttempts = 10
	// idleConnections are kept open to the server over HTTP/1.1, where each publish under way needs one of its own.
	idleConnections = 64
	maxRedirects    = 3
)

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	events postriderv1connect.EventServiceClient
	// duplex is for streams of publishes, which need HTTP/2.
	duplex postriderv1connect.EventServiceClient
	// token returns the key to show, nil for none; renewable says that it may answer another one later.
	token     func(context.Context) (string, error)
	renewable bool
	tenant    string
	// attempts is 0 where WithAttempts was not used.
	attempts int
	logger   *slog.Logger
	// fault is why no call can be made.
	fault error
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

// WithAttempts bounds how often a publish is tried, the first time included; 1 is without retries. Without, a publish is
// tried until the deadline of its context, or DefaultAttempts times where there is none.
func WithAttempts(n int) Option { return func(c *config) { c.attempts = max(n, 1) } }

// WithLogger says each retry and each reconnect; without, they are silent.
func WithLogger(logger *slog.Logger) Option { return func(c *config) { c.logger = logger } }

// New makes a client of the server at serverURL, for example "http://127.0.0.1:8080". It does not connect: a URL that is none
// is the error of every call.
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
	c.duplex = postriderv1connect.NewEventServiceClient(duplexOnly{duplex}, serverURL, protocol...)
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
	return &http.Client{Transport: transport, CheckRedirect: stayOnHost}
}

// stayOnHost follows a redirect that asks for the same request at the same host, over https for example. Any other one
// leads to a page for people, such as a login, which an event must not be sent to.
func stayOnHost(next *http.Request, via []*http.Request) error {
	if first := via[0]; next.Method != first.Method || next.URL.Hostname() != first.URL.Hostname() || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// duplexOnly is an HTTP client for streams in both directions, which HTTP/1.1 cannot carry.
type duplexOnly struct{ connect.HTTPClient }

// Do fails for good where a server of RPC answers over HTTP/1.1. Anything else that does is on the way to it.
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

// checkURL finds what no server can be reached by. Its error does not repeat the url, which may hold a password.
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

// newRequest is a request of c's caller.
func newRequest[T any](ctx context.Context, c *Client, message *T) (*connect.Request[T], error) {
	request := connect.NewRequest(message)
	return request, c.authorize(ctx, request.Header())
}

// authorize shows the caller's key.
func (c *Client) authorize(ctx context.Context, header http.Header) error {
	if c.token == nil || c.fault != nil {
		return c.fault
	}
	key, err := c.token(ctx)
	switch {
	case err != nil:
		return &keyError{err}
	case !httpguts.ValidHeaderFieldValue(key):
		return mistake("the key holds characters that no header can, such as a line break")
	}
	header.Set("Authorization", "Bearer "+key)
	return nil
}
