// Package server assembles the parts of Postrider. It is the only place where they meet: New builds them, each after those it needs. Run
// starts them in that order and stops them in reverse.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/contract"
	"github.com/postrider-dev/postrider/server/deliver"
	"github.com/postrider-dev/postrider/server/egress"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/httpserver"
	"github.com/postrider-dev/postrider/server/jsonschema"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/register"
	"github.com/postrider-dev/postrider/server/rpc"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compat"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/stats"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/stream/rpcstream"
	"github.com/postrider-dev/postrider/server/stream/sse"
	"github.com/postrider-dev/postrider/server/stream/websocket"
	"github.com/postrider-dev/postrider/server/tail"
	"github.com/postrider-dev/postrider/server/telemetry"
	"github.com/postrider-dev/postrider/server/wire"
	"github.com/postrider-dev/postrider/web"
)

// Bounds of a stop: requests under way get requestDrain, then attempts under way attemptDrain, and everything together
// stopDeadline; after a failure failureDeadline, for then there may be nothing left to wait for.
const (
	requestDrain    = 3 * time.Second
	attemptDrain    = 6 * time.Second
	stopDeadline    = 10 * time.Second
	failureDeadline = 2 * time.Second
)

// Server is a whole server, in reading order: what comes later stands on what comes before.
type Server struct {
	config Config
	memory memorySplit
	logger *slog.Logger

	admin   access.AdminKey
	store   *store.Store
	log     func(*store.Store) publish.Log
	schemas *schema.Registry
	// fresh are the event types of the descriptor file.
	fresh     []compile.EventType
	registrar *register.Registrar
	out       *egress.Client
	engine    *deliver.Engine
	stats     *stats.Recorder
	services  []rpc.Service
	streams   []string
	// edges are those besides the built-in ones.
	edges    []Edge
	access   *access.Control
	live     *live.Registry
	events   *sse.Transport
	sockets  *websocket.Transport
	api      *rpc.API
	http     *httpserver.Server
	listener net.Listener
	// maxClients and maxTargets bound the connections that are open.
	maxClients, maxTargets int

	// stopping is closed when the server begins to stop.
	stopping chan struct{}
}

// Option changes how a server is put together.
type Option func(*Server)

// WithLog replaces where accepted events go, given the store. It lets a measurement leave the store out and keep all the
// rest.
func WithLog(replace func(*store.Store) publish.Log) Option {
	return func(s *Server) { s.log = replace }
}

// WithService serves one more service, behind all that the others are behind. Only server/e2e/conformance uses it: the suite of
// the Connect protocol calls a service of its own, and can judge the whole stack of this server in no other way. streams are the
// paths of its procedures whose requests are streams: there each message is bounded, and not the whole.
func WithService(service rpc.Service, streams ...string) Option {
	return func(s *Server) {
		s.services = append(s.services, service)
		s.streams = append(s.streams, streams...)
	}
}

// New opens the data and the port. Nothing is served before Run; Close releases both. Log lines go to logs.
func New(ctx context.Context, config Config, logs io.Writer, options ...Option) (_ *Server, err error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Server{config: config, memory: config.split(), stopping: make(chan struct{})}
	s.log = func(own *store.Store) publish.Log { return own }
	for _, option := range options {
		option(s)
	}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	if s.logger, err = telemetry.NewLogger(logs, config.LogLevel, config.LogFormat); err != nil {
		return nil, err
	}
	keyring, err := s.loadKeyring()
	if err != nil {
		return nil, err
	}
	if s.fresh, err = readSchemas(config.Schemas); err != nil {
		return nil, err
	}
	if config.NoSync {
		s.logger.Warn("nothing is synced to the disk: a power cut loses acknowledged events", "variable", noSyncVariable)
	}
	if s.store, err = store.Open(ctx, store.Config{
		Data: config.Data, Keyring: keyring, Logger: s.logger, NoSync: config.NoSync,
		WriterPages: s.memory.writerPages, ReaderPages: s.memory.readerPages, MaxQueueBytes: int(s.memory.bodies),
	}); err != nil {
		return nil, fmt.Errorf("open data: %w", err)
	}
	if err := s.keepKeys(keyring); err != nil {
		return nil, err
	}
	if err := s.assemble(keyring); err != nil {
		return nil, err
	}
	if s.listener, err = listen(ctx, config.Listen); err != nil {
		return nil, err
	}
	return s, nil
}

// keyFolder is where keys are kept that no setting gives; empty with PostgreSQL, where both are settings.
func (s *Server) keyFolder() string {
	if s.config.OnPostgres() {
		return ""
	}
	return s.config.Data
}

func (s *Server) loadKeyring() (*seal.Keyring, error) {
	if folder := s.keyFolder(); folder != "" {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
	}
	return seal.LoadKeyring(s.config.SecretKey, s.keyFolder())
}

// keepKeys writes keys that there were not. The store is open by then: it holds the data folder for this process alone,
// and has found nothing that a lost key sealed.
func (s *Server) keepKeys(keyring *seal.Keyring) (err error) {
	if err := keyring.Save(); err != nil {
		return err
	}
	s.admin, err = access.LoadAdminKey(s.config.AdminKey, s.keyFolder())
	return err
}

// readSchemas finds the event types of a descriptor file; none when there is no file.
func readSchemas(file string) ([]compile.EventType, error) {
	if file == "" {
		return nil, nil
	}
	set, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read schemas: %w", err)
	}
	types, err := compile.Select(set, compile.Selection{All: true})
	if err != nil {
		return nil, fmt.Errorf("schemas in %s: %w", file, err)
	}
	return types, nil
}

// assemble connects the parts: store → tail → engines → services → port.
func (s *Server) assemble(keyring *seal.Keyring) (err error) {
	s.limitSockets()
	recent := tail.New(s.store.Head(), int(s.memory.tail))
	s.stats = stats.New(stats.Config{Store: s.store, Logger: s.logger})
	s.store.OnCommit(func(events []*gateway.Event) {
		recent.Append(events)
		s.stats.Published(events)
	})
	s.schemas = schema.NewRegistry()
	s.out = egress.New(egress.Config{
		Guard:      egress.Guard{Allow: s.config.AllowTargets, Logger: s.logger},
		MaxSockets: s.maxTargets, MaxLongLived: s.memory.toNATS,
	})
	targets := newTargets(s.out, s.config)

	filters := filter.NewCompiler(s.schemas)
	filters.LogTo(s.logger)
	s.registrar = register.New(register.Config{
		Store: s.store, Schemas: s.schemas, Filters: filters,
		Reload: func() { publish.LoadSchemas(s.store, s.schemas) },
	})
	publisher := publish.New(s.log(s.store), s.schemas)
	s.engine = deliver.New(deliver.Config{
		Store: s.store, Tail: recent, Targets: targets, Payload: s.schemas.JSON, Filters: filters, Logger: s.logger,
		Settled: s.stats.Settled, StopTimeout: attemptDrain, MaxAttempts: s.maxTargets, Room: s.memory.attempts,
	})
	hub := stream.New(s.store, recent, filters, s.stopping)
	hub.Keep(s.memory.frames, s.memory.sending)
	view := func(payload gateway.PayloadFormat) wire.EventView {
		return wire.NewEventView(s.schemas, s.store.Cursor, payload)
	}

	s.access, err = access.New(access.Config{
		Store: s.store, Keyring: keyring, AdminKey: s.admin.Hash, Services: access.Services(),
		MaxRequestBytes: s.config.MaxRequestBytes, Bodies: limit.NewBudget(s.config.bodyBytes()), Logger: s.logger,
	})
	if err != nil {
		return err
	}
	s.live = live.New(s.access, s.config.MaxStreams)
	overRPC := rpcstream.New(hub, view)
	s.events = sse.New(sse.Config{
		Access: s.access, Live: s.live, Hub: hub, NewRequest: rpcstream.NewRequest, View: view, Logger: s.logger,
	})
	s.sockets, err = websocket.New(websocket.Config{
		Access: s.access, Live: s.live, Publisher: publisher, Hub: hub, NewRequest: rpcstream.NewRequest, Encoding: overRPC.Encoding,
		Origins: s.config.CORSOrigins, Stopping: s.stopping, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	s.api, err = rpc.New(rpc.Config{
		Access: s.access, Live: s.live, Store: s.store, Schemas: s.schemas, Filters: filters, Publisher: publisher,
		Registrar: s.registrar, Engine: s.engine, Stats: s.stats, Targets: targets, Events: overRPC,
		MaxRequestBytes: s.config.MaxRequestBytes, Version: Version(),
		Services: s.services, Ready: s.ready, Stopping: s.stopping, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	s.http = httpserver.New(httpserver.Config{
		API: s.mount, UI: web.FS(), CORSOrigins: s.config.CORSOrigins, Streams: append(s.streams, rpc.PublishStreamPath),
		TrustedProxies: s.config.TrustedProxies, MaxConnections: s.maxClients,
		Ready: s.ready, Logger: s.logger,
	})
	return nil
}

// mount puts the services on the mux, what is served over plain HTTP, and the edges, which call the services through the contract.
func (s *Server) mount(mux *http.ServeMux) {
	s.api.Mount(mux)
	mux.Handle("GET "+sse.Path, access.Private(s.events))
	mux.Handle("GET "+websocket.Path, access.Private(s.sockets))
	mux.Handle("GET "+wire.SchemaPathPattern, &jsonschema.Handler{
		Access: s.access, Store: s.store, Schemas: s.schemas, Logger: s.logger,
	})
	calls := contract.New(access.Services(), mux, s.logger)
	for _, edge := range slices.Concat(edges, s.edges) {
		edge(calls, mux)
	}
}

// errStopping means that the server takes no more work.
var errStopping = errors.New("the server is stopping")

func (s *Server) ready(ctx context.Context) error {
	select {
	case <-s.stopping:
		return errStopping
	default:
		return s.store.Ready(ctx)
	}
}

// URL is where a person on this machine finds the server.
func (s *Server) URL() string { return localURL(s.listener.Addr().String()) }

// AdminKeyPath is the file that holds the admin key; empty when the key came from the environment.
func (s *Server) AdminKeyPath() string { return s.admin.Path }

// Run serves until ctx ends or a part fails, then stops: no new requests, streams end, deliveries under way are finished
// or recorded, what is queued is committed. Stopping takes at most about ten seconds.
func (s *Server) Run(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	group, failed := errgroup.WithContext(base)
	writer := startPart(base, group, s.store.Run)
	if err := s.load(base); err != nil {
		writer.stop()
		return errors.Join(err, group.Wait())
	}
	// What is left to count when the engine has stopped is counted before the writer ends.
	figures := startPart(base, group, func(ctx context.Context) error {
		return s.stats.Run(ctx, stats.Sources{Backlogs: s.engine.Backlogs, Streams: s.live.Count})
	})
	engine := startPart(base, group, s.engine.Run)
	guard := startPart(base, group, s.live.Run)
	sockets := startPart(base, group, s.sockets.Run)
	group.Go(func() error { return s.http.Serve(s.listener) })

	limit := stopDeadline
	select {
	case <-ctx.Done():
		s.logger.Info("stopping")
	case <-failed.Done():
		s.logger.Error("a part of the server failed; stopping", "error", context.Cause(failed))
		limit = failureDeadline
	}
	deadline, cancel := context.WithTimeout(base, limit)
	defer cancel()
	return s.stop(deadline, group, sockets, guard, engine, figures, writer)
}

// stop ends the parts, the last one started first.
func (s *Server) stop(deadline context.Context, group *errgroup.Group, parts ...*part) error {
	close(s.stopping)
	requests, cancelRequests := context.WithTimeout(deadline, requestDrain)
	defer cancelRequests()
	if err := s.http.Shutdown(requests); err != nil {
		s.logger.Warn("requests were cut off", "error", err)
	}
	for _, p := range parts {
		p.end(deadline)
	}
	err := waitFor(deadline, group)
	s.logger.Info("stopped")
	return err
}

func waitFor(deadline context.Context, group *errgroup.Group) error {
	done := make(chan error, 1)
	go func() { done <- group.Wait() }()
	select {
	case err := <-done:
		return err
	case <-deadline.Done():
		return fmt.Errorf("stop: not everything ended in time: %w", context.Cause(deadline))
	}
}

// load reads what the parts need before anything can happen.
func (s *Server) load(ctx context.Context) error {
	if err := s.loadSchemas(ctx); err != nil {
		return err
	}
	return s.stats.Load(ctx)
}

// loadSchemas stores what the descriptor file has that is new, and loads all there is.
func (s *Server) loadSchemas(ctx context.Context) error {
	publish.LoadSchemas(s.store, s.schemas)
	if len(s.fresh) == 0 {
		return nil
	}
	report, err := s.registerFresh(ctx)
	var refused *register.RefusedError
	if errors.As(err, &refused) {
		return fmt.Errorf("schemas in %s are incompatible with those that are stored; nothing was registered:\n%s",
			s.config.Schemas, refused.Report)
	}
	if err != nil {
		return fmt.Errorf("register schemas: %w", err)
	}
	for _, one := range report.Types {
		if one.Change != compat.TypeUnchanged {
			s.logger.Info("registered an event type", "type", one.Type, "version", one.Version)
		}
	}
	return nil
}

// registerFresh registers the types of the descriptor file, but for those whose schema the server cannot work with: they
// must not keep it from starting.
func (s *Server) registerFresh(ctx context.Context) (compat.Report, error) {
	for {
		report, err := s.registrar.Register(ctx, register.Request{Types: s.fresh, Level: gateway.LevelEnforce})
		var broken *register.TypeError
		var panicked *compile.PanicError
		if !errors.As(err, &broken) || !errors.As(err, &panicked) {
			return report, err
		}
		s.logger.Error("an event type is not registered: its schema brings out a fault of the server",
			"type", broken.Type, "schemas", s.config.Schemas, "error", err)
		s.fresh = slices.DeleteFunc(s.fresh, func(one compile.EventType) bool { return one.Type == broken.Type })
	}
}

// Close releases the data and the port. Run must have returned, or never been called.
func (s *Server) Close() error {
	var faults []error
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			faults = append(faults, err)
		}
	}
	if s.out != nil {
		s.out.CloseIdle()
	}
	if s.store != nil {
		faults = append(faults, s.store.Close())
	}
	return errors.Join(faults...)
}
