// Package rpc implements the services of postrider.v1 over Connect, gRPC and gRPC-Web; each service has one file. gate.go
// admits each call before its message is read. The packages publish, deliver, stream, register and stats do the work.
package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/deliver"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/register"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/stats"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream/rpcstream"
	"github.com/postrider-dev/postrider/server/target"
	"github.com/postrider-dev/postrider/server/wire"
)

// Config holds what the services use.
type Config struct {
	// Access admits callers.
	Access *access.Control
	// Live is where streams are registered.
	Live      *live.Registry
	Store     *store.Store
	Schemas   *schema.Registry
	Filters   *filter.Compiler
	Publisher *publish.Publisher
	Registrar *register.Registrar
	Engine    *deliver.Engine
	Stats     *stats.Recorder
	Targets   *target.Registry
	// Events carries the events of Subscribe.
	Events *rpcstream.Transport
	// MaxRequestBytes bounds one request.
	MaxRequestBytes int
	// Services are mounted beside those of the contract.
	Services []Service
	// Version is the server's.
	Version string
	// Ready returns why the server cannot serve requests; nil if it can.
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
	options connect.HandlerOption
}

// New makes the services.
func New(config Config) (*API, error) {
	requests, err := wire.NewRequests()
	if err != nil {
		return nil, fmt.Errorf("services: %w", err)
	}
	a := &API{config: config}
	a.options = connect.WithHandlerOptions(
		connect.WithRequestGate(a.gate),
		wire.Codecs(config.MaxRequestBytes),
		// The codecs' lower limit has the contract's error. This one only protects the memory.
		connect.WithReadMaxBytes(config.Access.MaxBytes()),
		withGzip(config.Logger),
		connect.WithCompressMinBytes(compressMinBytes),
		connect.WithInterceptors(requestLog{config.Access.Log()}.interceptor(), interceptor{stream: unbuffered}, wire.NewErrors(config.Logger)),
		connect.WithRecover(recovered),
		connect.WithInterceptors(interceptor{stream: a.registered}, requests, interceptor{unary: newReads().bound}),
	)
	return a, nil
}

// compressMinBytes is the size from which responses are compressed, for clients that accept it.
const compressMinBytes = 4 << 10

// recovered turns a panic into an unexpected error, which is logged like any other and ends only its call.
func recovered(_ context.Context, spec connect.Spec, _ http.Header, cause any) error {
	return fmt.Errorf("panic in %s: %v\n%s", spec.Procedure, cause, debug.Stack())
}

// mounted is a service with its path. Mounting, health and reflection use the same list.
type mounted struct {
	path    string
	handler http.Handler
}

// name is the service's full name.
func (m mounted) name() string { return strings.Trim(m.path, "/") }

func newMounted(path string, handler http.Handler) mounted { return mounted{path, handler} }

// services makes the services of the contract, and those that are mounted beside them.
func (a *API) services() []mounted {
	shared, trials := a.tenants(), newTrials(a.config.Filters)
	all := []mounted{
		newMounted(postriderv1connect.NewSessionServiceHandler(&sessionService{shared, a.config.Version}, a.options)),
		newMounted(postriderv1connect.NewTenantServiceHandler(&tenantService{tenants: shared}, a.options)),
		newMounted(postriderv1connect.NewApiKeyServiceHandler(&apiKeyService{shared}, a.options)),
		newMounted(postriderv1connect.NewEventServiceHandler(&eventService{
			tenants: shared, publisher: a.config.Publisher, schemas: a.config.Schemas, filters: a.config.Filters,
			trials: trials, events: a.config.Events, live: a.config.Live, stopping: a.config.Stopping,
		}, a.options)),
		newMounted(postriderv1connect.NewEventTypeServiceHandler(&eventTypeService{
			tenants: shared, registrar: a.config.Registrar, schemas: a.config.Schemas, filters: a.config.Filters,
			publisher: a.config.Publisher,
		}, a.options)),
		newMounted(postriderv1connect.NewSubscriptionServiceHandler(
			&subscriptionService{
				shared, a.config.Engine, a.config.Targets, a.config.Filters, trials,
			}, a.options)),
		newMounted(postriderv1connect.NewDeliveryServiceHandler(
			&deliveryService{shared, a.config.Engine, a.config.Stopping}, a.options)),
		newMounted(postriderv1connect.NewStatsServiceHandler(
			&statsService{shared, a.config.Stats, a.config.Engine, a.config.Stopping}, a.options)),
		newMounted(postriderv1connect.NewStreamServiceHandler(
			&streamService{shared, a.config.Live, a.config.Stopping}, a.options)),
	}
	for _, service := range a.config.Services {
		all = append(all, newMounted(service(a.options)))
	}
	return all
}

// Mount puts the services, gRPC's health check and reflection on the mux.
func (a *API) Mount(mux *http.ServeMux) {
	all := a.services()
	var names []string
	for _, service := range all {
		names = append(names, service.name())
		mux.Handle(service.path, access.Private(a.typed(service.handler)))
		if service.name() == postriderv1connect.EventServiceName {
			mux.Handle(postriderv1connect.EventServiceSubscribeProcedure, access.Private(a.typed(a.config.Events.Coalesce(service.handler))))
			mux.Handle(PublishStreamPath, access.Private(a.typed(needsHTTP2(a.config.Logger, service.handler))))
		}
	}
	a.mountTools(mux, names)
}

// mountTools mounts health and reflection, which need no key.
func (a *API) mountTools(mux *http.ServeMux, names []string) {
	options := connect.WithHandlerOptions(
		withGzip(a.config.Logger), connect.WithReadMaxBytes(limit.SmallBody),
		connect.WithInterceptors(requestLog{a.config.Access.Log()}.interceptor(), wire.NewErrors(a.config.Logger)), connect.WithRecover(recovered),
	)
	mount := func(path string, service http.Handler) { mux.Handle(path, access.Private(a.typed(small(service)))) }
	mount(grpchealth.NewHandler(health{a.config.Ready, names}, options))
	reflector := grpcreflect.NewStaticReflector(names...)
	mount(grpcreflect.NewHandlerV1(reflector, options))
	mount(grpcreflect.NewHandlerV1Alpha(reflector, options))
}

// small bounds the requests of a service whose requests are small by nature.
func small(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit.CallOf(r.Context()).Confine(limit.SmallBody)
		service.ServeHTTP(w, r)
	})
}
