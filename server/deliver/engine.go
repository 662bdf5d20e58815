// Package deliver runs subscriptions. A subscription is a cursor over the log. Its lane matches events, attempts them with
// bounded concurrency, records the outcomes and advances the cursor. One invariant holds across any crash: each matching event at or
// below a stored position has a durable row that says what became of it (mark.go has the proof).
//
// One router reads the tail of the log for all lanes. A lane has no goroutine of its own. Reading order:
//   - engine.go and lane.go
//   - events that arrive: router.go, feed.go, intake.go
//   - requests that are sent: attempt.go, settle.go, pending.go, inflight.go, destination.go, batch.go, retry.go, probe.go, hold.go
//   - whose turn it is: turns.go, permit.go, workers.go
//   - the stored position: mark.go, progress.go, window.go
//   - changes: subscription.go
//   - what users see: health.go, backlog.go, watch.go
package deliver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/tail"
	"github.com/postrider-dev/postrider/server/target"
)

// Config holds the dependencies and limits of an engine.
type Config struct {
	Store   *store.Store
	Tail    *tail.Tail
	Targets *target.Registry
	// Payload returns an event's payload as the text of a JSON object.
	Payload func(*gateway.Event, gateway.PayloadFormat) ([]byte, error)
	// Filters compiles the expressions of the subscriptions' filters.
	Filters *filter.Compiler
	// Logger logs failed attempts (info), delivered ones (debug) and faults; nil for no log.
	Logger *slog.Logger
	// Settled is called on the writer's goroutine with each attempt that has ended, and with each delivery that was given up
	// without an attempt. It must not block, and may be nil.
	Settled func(gateway.DeliverySettled)
	// MaxAttempts bounds the attempts under way of all subscriptions together, each of which takes a socket; 0 means no
	// limit.
	MaxAttempts int
	// Room bounds the memory that attempts under way hold for sending, in bytes; 0 means no limit.
	Room int64
	// WallClock is compared with the time that has passed, to detect that the clock was set; time.Now when nil.
	WallClock func() time.Time
	// StopTimeout is how long attempts under way may go on when the engine stops; 10 s when 0.
	StopTimeout time.Duration
}

// Engine runs every subscription of the server.
type Engine struct {
	store       *store.Store
	tail        *tail.Tail
	targets     *target.Registry
	payload     func(*gateway.Event, gateway.PayloadFormat) ([]byte, error)
	filters     *filter.Compiler
	logger      *slog.Logger
	settled     func(gateway.DeliverySettled)
	wallClock   func() time.Time
	stopTimeout time.Duration

	router *router
	// marks holds the mark of each group of subscriptions. It does not change after load.
	marks   map[gateway.GroupID]*mark
	watches watches
	// pages bounds the lanes that read the store at once.
	pages chan struct{}
	// startHead is the head of the log at the start. Only events up to it can have rows that this engine does not know.
	startHead gateway.Position

	mu    sync.RWMutex
	lanes map[gateway.SubscriptionID]*lane
	ready chan struct{}

	// reading ends when the engine stops. attempts ends when the attempts under way have used up the stop timeout.
	reading        context.Context
	stopReading    context.CancelFunc
	attempts       context.Context
	cancelAttempts context.CancelFunc
	stopping       atomic.Bool
	// work counts attempts and reads under way. It grows only under a lane's lock, with stopping not set.
	work    sync.WaitGroup
	workers *workers
	line    line
	// turns bounds the attempts under way.
	turns turns
}

// New returns an engine, which Run starts. Its other methods wait until Run has loaded the subscriptions.
func New(cfg Config) *Engine {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Settled == nil {
		cfg.Settled = func(gateway.DeliverySettled) {}
	}
	if cfg.WallClock == nil {
		cfg.WallClock = time.Now
	}
	if cfg.StopTimeout == 0 {
		cfg.StopTimeout = 10 * time.Second
	}
	e := &Engine{
		store: cfg.Store, tail: cfg.Tail, targets: cfg.Targets, payload: cfg.Payload, filters: cfg.Filters,
		logger: cfg.Logger, settled: cfg.Settled, wallClock: cfg.WallClock, stopTimeout: cfg.StopTimeout,
		pages: make(chan struct{}, pageReaders), turns: newTurns(cfg.MaxAttempts, cfg.Room),
		marks: map[gateway.GroupID]*mark{}, lanes: map[gateway.SubscriptionID]*lane{}, ready: make(chan struct{}),
	}
	e.router = newRouter(e)
	e.reading, e.stopReading = context.WithCancel(context.Background())
	e.attempts, e.cancelAttempts = context.WithCancel(context.Background())
	e.workers = newWorkers(e.attempts.Done())
	return e
}

// Run delivers until ctx ends. Then no attempt begins. Attempts under way may finish within the stop timeout and are cut off
// after it. An attempt that is cut off counts neither as a success nor as a failure: the next start makes it again. The
// store's Run must end later.
func (e *Engine) Run(ctx context.Context) error {
	defer e.stopReading()
	if err := e.load(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("load subscriptions: %w", err)
	}
	// Every lane must count before the router and the marks move.
	e.beginAll()
	var loops sync.WaitGroup
	loops.Go(func() { e.router.run(e.reading) })
	for _, m := range e.marks {
		loops.Go(func() { m.run(e.reading) })
	}
	loops.Go(func() { e.watchClock(e.reading) })
	loops.Go(e.workers.run)
	close(e.ready)
	<-ctx.Done()
	e.stop()
	loops.Wait()
	e.storePlaces()
	return nil
}

func (e *Engine) awaitReady(ctx context.Context) error {
	select {
	case <-e.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-e.reading.Done():
		return gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "the server is stopping; try again")
	}
}

// load makes the mark of each group and a lane for each subscription.
func (e *Engine) load(ctx context.Context) error {
	subs, err := e.store.Subscriptions(ctx)
	if err != nil {
		return err
	}
	open, err := e.store.OpenSubscriptions(ctx)
	if err != nil {
		return err
	}
	e.startHead = e.store.Head()
	if err := e.loadMarks(ctx); err != nil {
		return err
	}
	now := time.Now()
	for _, sub := range subs {
		if e.marks[sub.Group] == nil {
			return fmt.Errorf("subscription %s: group %d does not exist", sub.UID, sub.Group)
		}
		l := newLane(e, sub)
		l.intake.unsettled = true
		if due, ok := open[sub.ID]; ok {
			l.retries.due = due.IsZero()
			l.retries.expect(gateway.Rebase(due, now))
		}
		e.lanes[sub.ID] = l
	}
	return nil
}

// loadMarks creates the marks. The router begins at the lowest one, for all lanes that share a mark. If that is too far
// back, each lane reads by itself what it missed.
func (e *Engine) loadMarks(ctx context.Context) error {
	stored, err := e.store.Marks(ctx)
	if err != nil {
		return err
	}
	begin := e.startHead
	for group, place := range stored {
		e.marks[group] = newMark(e, group, place)
		begin = min(begin, place)
	}
	if e.startHead-begin > maxShareLag {
		begin = e.startHead
	}
	e.router.reached.Store(int64(begin))
	return nil
}

// beginAll lets the router feed the lanes that are at its position, and starts the others.
func (e *Engine) beginAll() {
	for _, l := range e.all() {
		e.router.feed(l)
		l.begin()
	}
}

func (e *Engine) all() []*lane {
	e.mu.RLock()
	defer e.mu.RUnlock()
	lanes := make([]*lane, 0, len(e.lanes))
	for _, l := range e.lanes {
		lanes = append(lanes, l)
	}
	return lanes
}

// stop ends reading, waits for the attempts under way, and cuts them off when their time is over.
func (e *Engine) stop() {
	e.stopping.Store(true)
	e.stopReading()
	for _, l := range e.all() {
		l.halt()
	}
	done := make(chan struct{})
	go func() {
		e.work.Wait()
		close(done)
	}()
	timer := time.NewTimer(e.stopTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		e.cancelAttempts()
		<-done
	}
	e.cancelAttempts()
}

// halt waits until all goroutines that saw stopping unset have finished with the lane. The target is closed after its last attempt.
func (l *lane) halt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to.retire()
	l.alarm.stop()
}

// storePlaces stores the last positions, so that the next start has no events to go through.
func (e *Engine) storePlaces() {
	for _, m := range e.marks {
		m.advance()
	}
	for _, l := range e.all() {
		l.storePlace()
	}
}

func (l *lane) storePlace() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.placeLocked(); !l.progress.shared && c > l.progress.cursor {
		l.storeCursorLocked(c)
	}
}
