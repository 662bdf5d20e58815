package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server"
)

const (
	urlVariable = "POSTRIDER_URL"
	keyVariable = "POSTRIDER_API_KEY"
)

// errNoKey means that no API key was given or found.
var errNoKey = errors.New("no key")

// client calls the services of one server.
type client struct {
	events        postriderv1connect.EventServiceClient
	subscriptions postriderv1connect.SubscriptionServiceClient
	deliveries    postriderv1connect.DeliveryServiceClient
	keys          postriderv1connect.ApiKeyServiceClient
	tenants       postriderv1connect.TenantServiceClient
	types         postriderv1connect.EventTypeServiceClient
	streams       postriderv1connect.StreamServiceClient
	// tenant is the tenant's name, empty for the key's own.
	tenant string
	// server is the server's address, and key is shown to it.
	server, key string
}

// connection is where the server is, as flags and environment say.
type connection struct {
	env                  environment
	server, data, tenant string
}

// addFlags adds the flags that every client command has.
func (c *connection) addFlags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.Var(placeholder(&c.server, "URL"), "server", "the server (default $"+urlVariable+" or "+c.defaultServer()+")")
	flags.Var(placeholder(&c.data, "FOLDER"), "data", "the server's data folder, whose admin key is used without $"+keyVariable)
	flags.Var(placeholder(&c.tenant, "NAME"), "tenant", "the tenant (default the key's own)")
}

func (c *connection) defaultServer() string { return "http://" + server.DefaultConfig().Listen }

// open returns a client. It sends nothing.
func (c *connection) open() (*client, error) {
	base := firstOf(c.server, c.variable(urlVariable), c.defaultServer())
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not a URL such as %s", base, c.defaultServer())
	}
	key, err := c.key(u)
	if err != nil {
		return nil, err
	}
	options := connect.WithInterceptors(bearer(key))
	return &client{
		events:        postriderv1connect.NewEventServiceClient(http.DefaultClient, base, options),
		subscriptions: postriderv1connect.NewSubscriptionServiceClient(http.DefaultClient, base, options),
		deliveries:    postriderv1connect.NewDeliveryServiceClient(http.DefaultClient, base, options),
		keys:          postriderv1connect.NewApiKeyServiceClient(http.DefaultClient, base, options),
		tenants:       postriderv1connect.NewTenantServiceClient(http.DefaultClient, base, options),
		types:         postriderv1connect.NewEventTypeServiceClient(http.DefaultClient, base, options),
		streams:       postriderv1connect.NewStreamServiceClient(http.DefaultClient, base, options),
		tenant:        c.tenant, server: base, key: key,
	}, nil
}

// key returns the API key: the one in the environment, or on the server's own machine its admin key. The admin key is never
// sent to another machine unless it is in the environment as the API key.
func (c *connection) key(server *url.URL) (string, error) {
	if key := c.variable(keyVariable); key != "" {
		return key, nil
	}
	if !isLocal(server.Hostname()) {
		return "", fmt.Errorf("%w: set %s", errNoKey, keyVariable)
	}
	if key := c.variable("POSTRIDER_ADMIN_KEY"); key != "" {
		return key, nil
	}
	path := filepath.Join(c.dataFolder(), "admin-key")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%w: set %s, or give the server's data folder with --data (%v)", errNoKey, keyVariable, err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (c *connection) dataFolder() string {
	return firstOf(c.data, c.variable("POSTRIDER_DATA"), server.DefaultConfig().Data)
}

func (c *connection) variable(name string) string {
	value, _ := c.env.lookup(name)
	return value
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

// bearer shows a key with every call.
type bearer string

func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		request.Header().Set("Authorization", "Bearer "+string(b))
		return next(ctx, request)
	}
}

func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", "Bearer "+string(b))
		return conn
	}
}

func (b bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
