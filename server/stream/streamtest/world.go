// Package streamtest is the suite that every stream transport must pass: what a stream promises its client, tested over public HTTP in
// the transport's own protocol. It also has the world that tests of transports stand on. Time is that of a testing/synctest bubble.
package streamtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/tail"
	"github.com/postrider-dev/postrider/server/wire"
)

// AdminKey is the key that may do everything.
const AdminKey = "the-admin-key-of-these-tests"

const (
	// MaxRequestBytes bounds one request: a fifth less than what is read of it at all, which is 1 MiB.
	MaxRequestBytes = 838_861
	maxStreams      = 1000
)

// World is a log with all that a stream transport stands on, and a server in memory for the transport.
type World struct {
	Store   *store.Store
	Schemas *schema.Registry
	Filters *filter.Compiler
	Hub     *stream.Hub
	Access  *access.Control
	Live    *live.Registry
	// Tenant is the default tenant.
	Tenant *gateway.Tenant
	// Stopping is closed by Stop.
	Stopping chan struct{}
	// Log has the lines of the requests that have ended.
	Log chan string

	t        *testing.T
	stop     sync.Once
	listener *pipes
}

// New makes a world that lasts as long as the test.
func New(t *testing.T) *World {
	t.Helper()
	w := &World{
		t: t, Schemas: schema.NewRegistry(), Stopping: make(chan struct{}), Log: make(chan string, 1000), listener: newPipes(),
	}
	dir := t.TempDir()
	ring, err := seal.LoadKeyring("", dir)
	w.must(err)
	w.Store, err = store.Open(t.Context(), store.Config{Data: dir, Keyring: ring, Logger: slog.New(slog.DiscardHandler), NoSync: true})
	w.must(err)
	recent := tail.New(w.Store.Head(), tail.DefaultBytes)
	w.Store.OnCommit(recent.Append)
	w.Filters = filter.NewCompiler(w.Schemas)
	w.Hub = stream.New(w.Store, recent, w.Filters, w.Stopping)
	w.Access, err = access.New(access.Config{
		Store: w.Store, Keyring: ring, AdminKey: access.HashKey(AdminKey), Services: access.Services(),
		MaxRequestBytes: MaxRequestBytes, Bodies: limit.NewBudget(1 << 30), Logger: w.logger(),
	})
	w.must(err)
	w.Live = live.New(w.Access, maxStreams)
	w.run()
	w.Tenant, err = w.Store.TenantByName(t.Context(), gateway.DefaultTenant)
	w.must(err)
	return w
}

func (w *World) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// run runs the store and the registry of streams until the test ends.
func (w *World) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- w.Store.Run(ctx) }()
	go func() { ended <- w.Live.Run(ctx) }()
	w.t.Cleanup(func() {
		w.Stop()
		cancel()
		if err := errors.Join(<-ended, <-ended, w.Store.Close()); err != nil {
			w.t.Error(err)
		}
	})
}

// Stop lets streams end as they do when the server stops.
func (w *World) Stop() { w.stop.Do(func() { close(w.Stopping) }) }

// logger keeps the lines of requests.
func (w *World) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(requestLines(w.Log), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type requestLines chan string

// Write implements io.Writer.
func (l requestLines) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("msg=request ")) {
		l <- string(line)
	}
	return len(line), nil
}

// View shows events with payloads in a format.
func (w *World) View(payload gateway.PayloadFormat) wire.EventView {
	return wire.NewEventView(w.Schemas, w.Store.Cursor, payload)
}

// Publish commits n events at once and returns them. They have the type, subject, source and data of one event, and are of the default
// tenant if that names none.
func (w *World) Publish(n int, like *gateway.Event) []*gateway.Event {
	w.t.Helper()
	events, stored := make([]*gateway.Event, n), make([]store.NewEvent, n)
	for i := range events {
		events[i] = &gateway.Event{
			Tenant: cmp.Or(like.Tenant, w.Tenant.ID), ID: fmt.Sprintf("e-%d-%d", w.Store.Head(), i), Type: cmp.Or(like.Type, "a"),
			Source: cmp.Or(like.Source, gateway.DefaultSource), Subject: like.Subject, Time: time.Now(), Data: like.Data,
		}
		if like.Data == nil {
			events[i].Data = []byte(`{}`)
		}
		stored[i].Event = events[i]
	}
	_, err := w.Store.Append(w.t.Context(), w.Store.RegistryRevision(), stored)
	w.must(err)
	return events
}

// Cursor returns the cursor of the newest event.
func (w *World) Cursor() string { return w.Store.Cursor(w.Store.Head()).String() }

// NewTenant stores a tenant.
func (w *World) NewTenant(name string) *gateway.Tenant {
	w.t.Helper()
	tenant, err := w.Store.CreateTenant(w.t.Context(), gateway.Tenant{Name: name})
	w.must(err)
	return tenant
}

// NewKey stores an API key of a tenant and returns its secret and its id.
func (w *World) NewKey(tenant *gateway.Tenant, may gateway.Scope) (secret, id string) {
	w.t.Helper()
	secret = access.NewKey()
	key, err := w.Store.CreateAPIKey(w.t.Context(), &gateway.APIKey{
		Name: secret, Tenant: tenant.ID, Scopes: may, Hash: access.HashKey(secret), Hint: access.Hint(secret),
	})
	w.must(err)
	return secret, key.UID
}
