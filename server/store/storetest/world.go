package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// world is one store with its own database, and what it has told its tail.
type world struct {
	*store.Store
	t   *testing.T
	cfg store.Config
	// stop ends the writer and closes the store; nil when that is done.
	stop func()

	mu     sync.Mutex
	groups [][]*gateway.Event
	// onCommit is called with each group, when set.
	onCommit func([]*gateway.Event)
}

// newWorld opens a store whose writer does not run yet: what is queued before start makes one group.
func newWorld(t *testing.T, fresh Fresh, change ...func(*store.Config)) *world {
	t.Helper()
	w := &world{t: t, cfg: fresh(t)}
	for _, c := range change {
		c(&w.cfg)
	}
	t.Cleanup(func() {
		if w.stop != nil {
			w.stop()
		}
	})
	w.open()
	return w
}

// running opens a store and starts its writer.
func running(t *testing.T, fresh Fresh, change ...func(*store.Config)) *world {
	t.Helper()
	w := newWorld(t, fresh, change...)
	w.start()
	return w
}

func (w *world) open() {
	w.t.Helper()
	s, err := store.Open(context.Background(), w.cfg)
	if err != nil {
		w.t.Fatalf("open: %v", err)
	}
	s.OnCommit(w.committed)
	w.Store = s
	w.stop = func() {
		w.stop = nil
		if err := s.Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	}
}

func (w *world) committed(events []*gateway.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups = append(w.groups, events)
	if w.onCommit != nil {
		w.onCommit(events)
	}
}

func (w *world) start() {
	s := w.Store
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	release := w.stop
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("writer: %v", err)
		}
		release()
	}
}

// restart closes the store in order and opens it again.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.open()
	w.start()
}

// commits returns the groups committed so far.
func (w *world) commits() [][]*gateway.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.groups)
}

func (w *world) tenant() *gateway.Tenant {
	w.t.Helper()
	return must(w.TenantByName(context.Background(), gateway.DefaultTenant))(w.t)
}

func (w *world) tenantID() gateway.TenantID { return w.tenant().ID }

// publish appends events as one request, which must succeed.
func (w *world) publish(events ...store.NewEvent) []store.Appended {
	w.t.Helper()
	return must(w.Append(context.Background(), w.RegistryRevision(), events))(w.t)
}

// publishMany appends n events of some type, one request each, and returns the positions.
func (w *world) publishMany(n int) []gateway.Position {
	w.t.Helper()
	events := make([]store.NewEvent, n)
	for i := range events {
		events[i] = w.event(fmt.Sprintf("evt_many_%d_%d", w.Head(), i))
	}
	positions := make([]gateway.Position, n)
	for i, a := range w.publish(events...) {
		positions[i] = a.Position
	}
	return positions
}

// event makes an event of the default tenant. Its content is the id's, unless changed.
func (w *world) event(id string, change ...func(*gateway.Event)) store.NewEvent {
	e := &gateway.Event{
		Tenant: w.tenantID(), ID: id, Type: "order.created", Source: "shop", Data: []byte(`{"id":"` + id + `"}`),
	}
	for _, c := range change {
		c(e)
	}
	return store.NewEvent{Event: e, Hash: hashOf(e), ClientID: true}
}

func content(text string) func(*gateway.Event) {
	return func(e *gateway.Event) { e.Data = []byte(`{"content":"` + text + `"}`) }
}

func hashOf(e *gateway.Event) gateway.ContentHash {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%s", e.Type, e.Source, e.Subject, e.Data))
	return gateway.ContentHash(sum[:16])
}

// pending is an append that is under way.
type pending struct {
	done    chan struct{}
	results []store.Appended
	err     error
}

// queue begins an append and comes back once it waits for the writer.
func (w *world) queue(ctx context.Context, events ...store.NewEvent) *pending {
	w.t.Helper()
	p := &pending{done: make(chan struct{})}
	watched := &watchedContext{Context: ctx, waiting: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.results, p.err = w.Append(watched, w.RegistryRevision(), events)
	}()
	select {
	case <-watched.waiting:
	case <-p.done:
	}
	return p
}

func (p *pending) wait() ([]store.Appended, error) {
	<-p.done
	return p.results, p.err
}

// watchedContext tells when somebody begins to wait for its end, which is when the request is queued.
type watchedContext struct {
	context.Context
	once    sync.Once
	waiting chan struct{}
}

func (c *watchedContext) Done() <-chan struct{} {
	c.once.Do(func() { close(c.waiting) })
	return c.Context.Done()
}

// must returns a function that gives the value of a call that has to succeed.
func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s = %s, want %s", what, g, w)
	}
}

// failsWith checks an error's code and reason.
func failsWith(t *testing.T, err error, code gateway.Code, reason gateway.Reason) {
	t.Helper()
	var e *gateway.Error
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason {
		t.Errorf("error = %v, want code %d and reason %d", err, code, reason)
	}
}

// rowNumber is what a refusal must not name.
var rowNumber = regexp.MustCompile(`"\d+"`)

func notFound(t *testing.T, err error) {
	t.Helper()
	failsWith(t, err, gateway.CodeNotFound, gateway.ReasonNotFound)
	if err != nil && rowNumber.MatchString(err.Error()) {
		t.Errorf("%v names the number of a row", err)
	}
}
