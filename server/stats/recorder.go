// Package stats measures the activity of each tenant: events published, deliveries made and failed, latencies, and backlogs.
// It counts in memory what the store's writer has committed, and stores the counts of finished intervals.
//
//	seconds     of the last minutes, in memory only                                     tenant.go
//	15 s        the current interval and the newest finished ones in memory, the others in the store
//	5 min, 1 h  summed up from stored intervals when they have ended                     keep.go
//
// Memory grows neither with history nor with idle tenants: watchers read history from the store (watch.go). An
// interval without activity is not stored, so an idle server writes nothing.
//
// Reading order: recorder.go and tenant.go (counting), interval.go and encoding.go (what an interval is), keep.go and
// load.go (storage), watch.go (what users see).
package stats

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// Backlogs is what waits in each subscription of which something does.
type Backlogs = map[gateway.TenantID]map[gateway.SubscriptionID]gateway.SubscriptionBacklog

// Config is what a recorder works with.
type Config struct {
	Store *store.Store
	// Logger is for faults of the store; none when nil.
	Logger *slog.Logger
	// Now reads the clock; time.Now when nil.
	Now func() time.Time
}

// Sources are what Run samples. The parts behind them report to the recorder, so they are made after it.
type Sources struct {
	// Backlogs returns what waits in each subscription. It is called every few seconds while there is activity.
	Backlogs func(context.Context) (Backlogs, error)
	// Streams counts the open live streams by tenant.
	Streams func() map[gateway.TenantID]int
}

// Recorder counts. Published and Settled are its hot path: they take one lock, which the store's writer alone holds but
// for moments.
type Recorder struct {
	store  *store.Store
	logger *slog.Logger
	now    func() time.Time
	// setBack counts how often the clock was set back. A watch that began before sees the times of another clock.
	setBack atomic.Int64

	mu      sync.Mutex
	tenants map[gateway.TenantID]*tenant
	// since is the first second that is known: those before went with the process that counted them.
	since time.Time
	// position is that of the newest event that is counted, passed that of the newest one of the finished intervals; passedAt
	// is when they ended.
	position, passed gateway.Position
	passedAt         time.Time
	// touched means that something was counted since the backlogs were looked at; sampled is when that was first done.
	touched bool
	sampled time.Time

	// repeated are the times that come for the second time since the clock was set back: what is stored of them stays, and what
	// is counted now is added. Owned by the goroutine of Load, then Run, like what follows.
	repeated struct{ from, to time.Time }

	// Owned by the goroutine of Load, then Run: the sums to be made once their time is over, the position of the newest event
	// that is counted in what is stored, when old intervals were last removed, and when it was last looked what waits.
	due               map[sum]struct{}
	saved             gateway.Position
	removedAt, looked time.Time
}

// New makes a recorder. Load what is stored before anything is counted, then Run it.
func New(cfg Config) *Recorder {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Recorder{
		store: cfg.Store, logger: cfg.Logger, now: cfg.Now,
		since:   cfg.Now().Truncate(time.Second),
		tenants: map[gateway.TenantID]*tenant{}, due: map[sum]struct{}{},
	}
}

// Published counts a committed group of events.
func (r *Recorder) Published(events []*gateway.Event) {
	if len(events) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.pass(now)
	for len(events) > 0 {
		first, n := events[0], 1
		for n < len(events) && events[n].Tenant == first.Tenant && events[n].Type == first.Type {
			n++
		}
		r.of(first.Tenant).published(now, first.Type, int64(n))
		r.position = events[n-1].Position
		events = events[n:]
	}
	r.touched = true
}

// pass records the position at which intervals ended. r.mu is held.
func (r *Recorder) pass(now time.Time) {
	if start := now.Truncate(shortest); start.After(r.passedAt) {
		r.passed, r.passedAt = r.position, start
	}
}

// Settled counts an attempt whose outcome is committed.
func (r *Recorder) Settled(d gateway.DeliverySettled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(d.Tenant).settled(r.now(), d)
	r.touched = true
}

// of returns the tenant's counts, made on first use. r.mu is held.
func (r *Recorder) of(id gateway.TenantID) *tenant {
	t := r.tenants[id]
	if t == nil {
		t = &tenant{gauges: gateway.StatsGauges{Known: !r.sampled.IsZero()}}
		t.before = t.gauges
		r.tenants[id] = t
	}
	return t
}

const (
	// sampleEvery is how often it is looked what waits, while something happens; restSample while nothing does.
	sampleEvery = 5 * time.Second
	restSample  = time.Minute
	// sampleShare bounds the work of looking: a look that took 1 ms is followed by 50 ms without.
	sampleShare = 50
)

// sample looks at what waits, if that may have changed, and returns when to look again.
func (r *Recorder) sample(ctx context.Context, sources Sources) (wait time.Duration) {
	began, streams := r.now(), sources.Streams()
	if !r.takeTouched(streams) && began.Sub(r.looked) < restSample {
		return sampleEvery
	}
	r.looked = began
	backlogs, err := sources.Backlogs(ctx)
	if err != nil {
		if gateway.ErrorCode(err) != gateway.CodeUnavailable { // as it is when the server stops
			r.fault(ctx, "count what waits for delivery", err)
		}
		return restSample
	}
	r.take(backlogs, streams)
	return max(sampleEvery, sampleShare*r.now().Sub(began))
}

// takeTouched reports whether anything has happened since the last time, other streams being open among it.
func (r *Recorder) takeTouched(streams map[gateway.TenantID]int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	touched := r.touched
	r.touched = false
	for id, t := range r.tenants {
		touched = touched || t.gauges.Streams != int64(streams[id])
	}
	for id := range streams {
		touched = touched || r.tenants[id] == nil
	}
	return touched
}

// take stores a sample.
func (r *Recorder) take(backlogs Backlogs, streams map[gateway.TenantID]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if r.sampled.IsZero() {
		r.sampled = now
	}
	for id := range backlogs {
		r.of(id)
	}
	for id := range streams {
		r.of(id)
	}
	for id, t := range r.tenants {
		t.sampled(now, backlogs[id], streams[id])
	}
}
