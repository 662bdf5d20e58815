// Package rpc answers the services of postrider.v1 over Connect, gRPC and gRPC-Web: who may call what, in which tenant,
// and one file per service. What the services do is done by the engines behind them.
package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"github.com/postrider-dev/postrider/gen/go/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/auth"
	"github.com/postrider-dev/postrider/server/deliver"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/register"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/stats"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/wire"
)

// Config is what the services stand on.
type Config struct {
	Store     *store.Store
	Schemas   *schema.Registry
	Filters   *filter.Compiler
	Publisher *publish.Publisher
	Registrar *register.Registrar
	Engine    *deliver.Engine
	Stats     *stats.Recorder
	Targets   *target.Registry
	// Subscribe serves the live stream.
	Subscribe SubscribeStream
	// Coalesce lies under its handler, and lets it write what is ready at once.
	Coalesce func(http.Handler) http.Handler
	// StreamEvents serves it to those who speak no RPC.
	StreamEvents StreamEvents
	// ServeSocket serves it, and publishes, over WebSockets.
	ServeSocket ServeSocket
	// CORSOrigins are the origins whose pages may open WebSockets, besides the server's own.
	CORSOrigins []string
	Keyring     *auth.Keyring
	AdminKey    auth.KeyHash
	// MaxRequestBytes bounds one request.
	MaxRequestBytes int
	// MaxStreams bounds how many streams are open at a time.
	MaxStreams int
	// Services are mounted beside those of the contract.
	Services []Service
	// Version is the server's.
	Version string
	// Ready says whether the server can do its work.
	Ready func(context.Context) error
	// Stopping is closed when the server begins to stop: watches end then.
	Stopping <-chan struct{}
	Logger   *slog.Logger
}

// Service makes the handler of a service that is not in the contract, with the options that all services have. Only admin
// keys may call it.
type Service func(connect.HandlerOption) (path string, handler http.Handler)

// API is all services.
type API struct {
	config  Config
	auth    *authenticator
	streams *openStreams
	options connect.HandlerOption
}

// New makes the services.
func New(config Config) (*API, error) {
	requests, err := wire.NewRequests()
	if err != nil {
		return nil, fmt.Errorf("services: %w", err)
	}
	a := &API{config: config}
	a.auth = &authenticator{
		store: config.Store, admin: config.AdminKey, ring: config.Keyring,
		maxBytes: hardLimit(config.MaxRequestBytes), logger: config.Logger,
	}
	a.streams = newOpenStreams(a.auth, config.MaxStreams)
	a.options = connect.WithHandlerOptions(
		connect.WithRequestGate(a.auth.gate),
		wire.Codecs(config.MaxRequestBytes),
		// Above the limit that the codecs tell of in the words of the contract, this one only protects the memory.
		connect.WithReadMaxBytes(hardLimit(config.MaxRequestBytes)),
		connect.WithCompressMinBytes(compressMinBytes),
		connect.WithInterceptors(requestLog{config.Logger}.interceptor(), wire.NewErrors(config.Logger)),
		connect.WithRecover(recovered),
		connect.WithInterceptors(interceptor{stream: a.streams.wrap}, requests),
	)
	return a, nil
}

// hardLimit is how much of a request is read at all.
func hardLimit(maxRequestBytes int) int { return maxRequestBytes + maxRequestBytes/4 }

// compressMinBytes is the size from which an answer is worth compressing, for clients that understand it.
const compressMinBytes = 4 << 10

// recovered makes an unexpected error of a panic, so that it is logged like any other and ends one call only.
func recovered(_ context.Context, spec connect.Spec, _ http.Header, cause any) error {
	return fmt.Errorf("panic in %s: %v\n%s", spec.Procedure, cause, debug.Stack())
}

// Mount puts the services, gRPC's health check and reflection on the mux.
func (a *API) Mount(mux *http.ServeMux) {
	mount := func(path string, service http.Handler) { mux.Handle(path, private(service)) }
	shared := tenants{a.config.Store}
	mount(postriderv1connect.NewSessionServiceHandler(&sessionService{a.auth, shared, a.config.Version}, a.options))
	mount(postriderv1connect.NewTenantServiceHandler(&tenantService{tenants: shared}, a.options))
	mount(postriderv1connect.NewApiKeyServiceHandler(&apiKeyService{shared}, a.options))
	path, events := postriderv1connect.NewEventServiceHandler(&eventService{
		tenants: shared, publisher: a.config.Publisher, schemas: a.config.Schemas, filters: a.config.Filters,
		keyring: a.config.Keyring, subscribe: a.config.Subscribe, streams: a.streams, stopping: a.config.Stopping,
	}, a.options)
	mount(path, events)
	mount(postriderv1connect.EventServiceSubscribeProcedure, a.config.Coalesce(events))
	mount(PublishStreamPath, needsHTTP2(a.config.Logger, events))
	mount(postriderv1connect.NewEventTypeServiceHandler(&eventTypeService{
		tenants: shared, registrar: a.config.Registrar, schemas: a.config.Schemas, filters: a.config.Filters,
		publisher: a.config.Publisher,
	}, a.options))
	mount(postriderv1connect.NewSubscriptionServiceHandler(
		&subscriptionService{shared, a.config.Engine, a.config.Targets, a.config.Filters}, a.options))
	mount(postriderv1connect.NewDeliveryServiceHandler(
		&deliveryService{shared, a.config.Engine, a.config.Stopping}, a.options))
	mount(postriderv1connect.NewStatsServiceHandler(
		&statsService{shared, a.config.Stats, a.config.Engine, a.config.Stopping}, a.options))
	mount(postriderv1connect.NewStreamServiceHandler(&streamService{shared, a.auth, a.streams, a.config.Stopping}, a.options))

	mux.Handle("GET "+streamPath, private(eventStreams{
		auth: a.auth, tenants: shared, streams: a.streams, serve: a.config.StreamEvents, log: requestLog{a.config.Logger},
	}))
	mux.Handle("GET "+socketPath, private(eventSockets{
		auth: a.auth, tenants: shared, streams: a.streams, publisher: a.config.Publisher, serve: a.config.ServeSocket,
		origins: a.config.CORSOrigins, log: requestLog{a.config.Logger},
	}))
	mux.Handle("GET "+wire.SchemaPathPattern, jsonSchemas{a.auth, a.config.Store, a.config.Schemas})
	mount(grpchealth.NewHandler(health{a.config.Ready}))
	reflector := grpcreflect.NewStaticReflector(serviceNames()...)
	mount(grpcreflect.NewHandlerV1(reflector))
	mount(grpcreflect.NewHandlerV1Alpha(reflector))
	for _, service := range a.config.Services {
		mount(service(a.options))
	}
}

// private keeps answers out of every cache: reads may come as GET, and what they answer depends on who asks.
func private(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		service.ServeHTTP(w, r)
	})
}

// LiveStreams counts the live streams that are open, by tenant.
func (a *API) LiveStreams() map[gateway.TenantID]int { return a.streams.count() }

// Run ends streams whose key is revoked or whose session is over, until ctx ends.
func (a *API) Run(ctx context.Context) error {
	a.streams.run(ctx)
	return nil
}
