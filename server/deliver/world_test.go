package deliver_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/deliver"
	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/tail"
	"github.com/postrider-dev/postrider/server/target"
)

const tenant gateway.TenantID = 1

// world is a database with the delivery side of a server, which can be stopped and started again.
type world struct {
	t         testing.TB
	ctx       context.Context
	data      string
	keyring   *seal.Keyring
	endpoints map[string]*endpoint
	// making is held while endpoints change, and while attempts look them up.
	making sync.Mutex
	// targets holds targets that are not endpoints.
	targets map[string]target.Target

	store  *store.Store
	engine *deliver.Engine
	tail   *tail.Tail
	// tailBytes bounds the memory of the tail, and stopTimeout the time of a stop.
	tailBytes   int
	stopTimeout time.Duration
	// maxAttempts bounds the attempts under way.
	maxAttempts int
	// room bounds the memory of attempts under way.
	room int64
	// logger is the engine's; nil for none.
	logger *slog.Logger
	// wall is the wall clock of the engine; nil for the real one.
	wall func() time.Time
	// payload renders an event's payload.
	payload func(*gateway.Event, gateway.PayloadFormat) ([]byte, error)

	stopEngine, stopStore context.CancelFunc
	engineDone, storeDone chan error
	published             int
}

// inWorld runs a test in a bubble, with a world whose server is running.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		defer w.stop()
		test(w)
	})
}

func newWorld(t testing.TB) *world {
	keyring, err := seal.LoadKeyring("", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		t: t, ctx: context.Background(), data: t.TempDir(), keyring: keyring,
		endpoints: map[string]*endpoint{}, targets: map[string]target.Target{}, tailBytes: tail.DefaultBytes,
		payload: func(event *gateway.Event, _ gateway.PayloadFormat) ([]byte, error) {
			return event.JSON(func(gateway.SchemaID, []byte) ([]byte, error) { return []byte(`{"rendered":true}`), nil })
		},
	}
}

func (w *world) start() {
	w.t.Helper()
	var err error
	w.store, err = store.Open(w.ctx, store.Config{Data: w.data, Keyring: w.keyring, NoSync: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.tail = tail.New(w.store.Head(), w.tailBytes)
	w.store.OnCommit(w.tail.Append)
	w.engine = deliver.New(deliver.Config{
		Filters: filter.NewCompiler(schema.NewRegistry()),
		Store:   w.store, Tail: w.tail, Targets: target.NewRegistry(w), StopTimeout: w.stopTimeout, MaxAttempts: w.maxAttempts, Room: w.room,
		WallClock: w.wall, Logger: w.logger,
		Payload: w.payload,
	})
	w.stopStore, w.storeDone = runPart(w.store.Run)
	w.stopEngine, w.engineDone = runPart(w.engine.Run)
}

func runPart(run func(context.Context) error) (stop context.CancelFunc, done chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	done = make(chan error, 1)
	go func() { done <- run(ctx) }()
	return cancel, done
}

func (w *world) stop() {
	w.t.Helper()
	w.stopEngine()
	if err := <-w.engineDone; err != nil {
		w.t.Errorf("engine: %v", err)
	}
	w.stopStore()
	if err := <-w.storeDone; err != nil {
		w.t.Errorf("store: %v", err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Errorf("close: %v", err)
	}
}

func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// The world is the target type of its subscriptions. A configuration is the name of an endpoint.

func (w *world) Name() string                                { return "fake" }
func (w *world) Check(context.Context, string, []byte) error { return nil }
func (w *world) New(spec target.Spec) (target.Target, error) {
	if spec.Tenant == 0 {
		return nil, errors.New("the target of no tenant")
	}
	if other := w.targets[string(spec.Config)]; other != nil {
		return other, nil
	}
	w.making.Lock()
	e := w.endpoints[string(spec.Config)]
	w.making.Unlock()
	if e == nil {
		return nil, fmt.Errorf("no endpoint %q", spec.Config)
	}
	return e, nil
}

// endpoint responds to attempts with its function, and records them.
type endpoint struct {
	mu     sync.Mutex
	answer func(ctx context.Context, m *target.Message, nth int) gateway.Outcome
	got    []received
	// active is the number of attempts without a response yet; most is its maximum.
	active, most int
	closed       int
}

type received struct {
	id, cursor string
	at         time.Time
	kind       gateway.OutcomeKind
}

func (e *endpoint) Send(ctx context.Context, m *target.Message, at time.Time) gateway.Outcome {
	e.mu.Lock()
	nth := len(e.got)
	e.got = append(e.got, received{id: m.ID, cursor: m.Cursor, at: at})
	answer := e.answer
	e.active++
	e.most = max(e.most, e.active)
	e.mu.Unlock()
	outcome := answer(ctx, m, nth)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.active--
	if nth < len(e.got) {
		e.got[nth].kind = outcome.Kind
	}
	return outcome
}

func (e *endpoint) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed++
}

func (e *endpoint) timesClosed() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

func (e *endpoint) set(answer func(ctx context.Context, m *target.Message, nth int) gateway.Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

func (e *endpoint) received() []received {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.got)
}

func (e *endpoint) ids() []string {
	var ids []string
	for _, r := range e.received() {
		ids = append(ids, r.id)
	}
	return ids
}

// forget clears the list and the maximum.
func (e *endpoint) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got, e.most = nil, 0
}

// underWay returns the number of attempts without a response, and the maximum so far.
func (e *endpoint) underWay() (active, most int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.active, e.most
}

func (e *endpoint) peak() int {
	_, most := e.underWay()
	return most
}

func outcome(kind gateway.OutcomeKind, status int) gateway.Outcome {
	return gateway.Outcome{Kind: kind, Status: status, Error: map[bool]string{false: kind.String()}[kind == gateway.OutcomeDelivered]}
}

func always(o gateway.Outcome) func(context.Context, *target.Message, int) gateway.Outcome {
	return func(context.Context, *target.Message, int) gateway.Outcome { return o }
}

var (
	delivered       = outcome(gateway.OutcomeDelivered, 200)
	eventFailure    = outcome(gateway.OutcomeEventFailure, 400)
	endpointFailure = outcome(gateway.OutcomeEndpointFailure, 500)
	gone            = outcome(gateway.OutcomeGone, 410)
)

func slowDown(wait time.Duration) gateway.Outcome {
	o := outcome(gateway.OutcomeSlowDown, 429)
	o.RetryAfter = wait
	return o
}

// swallow never responds.
func swallow(ctx context.Context, _ *target.Message, _ int) gateway.Outcome {
	<-ctx.Done()
	return gateway.Outcome{}
}

func (w *world) endpoint(name string) *endpoint {
	e := &endpoint{answer: always(delivered)}
	w.making.Lock()
	w.endpoints[name] = e
	w.making.Unlock()
	return e
}

// subscribe creates a subscription with an endpoint of the same name.
func (w *world) subscribe(name string, start gateway.StartKind, policy gateway.Policy, types ...string) (*gateway.Subscription, *endpoint) {
	w.t.Helper()
	return w.subscribeTo(name, start, policy, gateway.Filter{Types: types})
}

func (w *world) subscribeTo(name string, start gateway.StartKind, policy gateway.Policy, f gateway.Filter) (*gateway.Subscription, *endpoint) {
	w.t.Helper()
	e := w.endpoint(name)
	sub, err := w.engine.Create(w.ctx, &gateway.Subscription{
		Tenant: tenant, Name: name, Filter: f, TargetType: "fake", TargetConfig: []byte(name), Policy: policy,
	}, gateway.Start{Kind: start})
	if err != nil {
		w.t.Fatal(err)
	}
	return sub, e
}

// publish appends one event of each type and returns their ids: "1", "2", … in order of position.
func (w *world) publish(types ...string) []string {
	w.t.Helper()
	return w.publishFor(tenant, types...)
}

func (w *world) publishFor(tenant gateway.TenantID, types ...string) []string {
	w.t.Helper()
	events := make([]store.NewEvent, len(types))
	ids := make([]string, len(types))
	for i, kind := range types {
		w.published++
		ids[i] = fmt.Sprint(w.published)
		data, _ := json.Marshal(map[string]int{"n": w.published})
		events[i] = store.NewEvent{
			Event: &gateway.Event{Tenant: tenant, ID: ids[i], Type: kind, Source: "test", Time: time.Now(), Data: data},
			Hash:  gateway.ContentHash(sha256.New().Sum(nil)[:16]),
		}
	}
	if _, err := w.store.Append(w.ctx, w.store.RegistryRevision(), events); err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// publishData publishes an event with the payload given.
func (w *world) publishData(kind, data string) {
	w.t.Helper()
	w.published++
	event := store.NewEvent{
		Event: &gateway.Event{Tenant: tenant, ID: fmt.Sprint(w.published), Type: kind, Source: "test", Time: time.Now(), Data: []byte(data)},
		Hash:  gateway.ContentHash(sha256.New().Sum(nil)[:16]),
	}
	if _, err := w.store.Append(w.ctx, w.store.RegistryRevision(), []store.NewEvent{event}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) publishN(n int, kind string) []string {
	w.t.Helper()
	types := make([]string, n)
	for i := range types {
		types[i] = kind
	}
	return w.publish(types...)
}

func (w *world) delivery(sub *gateway.Subscription, position gateway.Position) *gateway.Delivery {
	w.t.Helper()
	d, err := w.store.Delivery(w.ctx, tenant, gateway.DeliveryKey{Subscription: sub.ID, Position: position})
	if err != nil {
		w.t.Fatalf("delivery of %s at %d: %v", sub.Name, position, err)
	}
	return d
}

// states counts a subscription's rows by state.
func (w *world) states(sub *gateway.Subscription) map[gateway.DeliveryState]int {
	w.t.Helper()
	rows, _, err := w.store.ListDeliveries(w.ctx, store.DeliveryQuery{Tenant: tenant, Subscription: sub.ID, Limit: 1_000_000})
	if err != nil {
		w.t.Fatal(err)
	}
	counts := map[gateway.DeliveryState]int{}
	for _, d := range rows {
		counts[d.State]++
	}
	return counts
}

func (w *world) health(sub *gateway.Subscription) gateway.SubscriptionHealth {
	w.t.Helper()
	h, err := w.engine.Health(w.ctx, sub)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// mark returns the stored mark of group 0.
func (w *world) mark() gateway.Position { return w.marks()[0] }

func (w *world) marks() map[gateway.GroupID]gateway.Position {
	w.t.Helper()
	marks, err := w.store.Marks(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return marks
}

func (w *world) stored(sub *gateway.Subscription) *gateway.Subscription {
	w.t.Helper()
	s, err := w.store.SubscriptionByRef(w.ctx, tenant, sub.UID)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// pass lets time pass, and everything finish that is due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalList[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
