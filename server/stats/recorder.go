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

// Backlogs has the backlog of each subscription that has one.
type Backlogs = map[gateway.TenantID]map[gateway.SubscriptionID]gateway.SubscriptionBacklog

// Config configures a Recorder.
type Config struct {
	Store *store.Store
	// Logger logs errors of the store; nil discards them.
	Logger *slog.Logger
	// Now returns the time; nil means time.Now.
	Now func() time.Time
}

// Sources are what Run samples. The parts behind them report to the recorder, so they are made after it.
type Sources struct {
	// Backlogs returns the backlogs of subscriptions. It is called every few seconds while there is activity.
	Backlogs func(context.Context) (Backlogs, error)
	// Streams counts the open live streams by tenant.
	Streams func() map[gateway.TenantID]int
}

// Recorder counts. Published and Settled are its hot path. They take one lock, which only the store's writer holds for more than
// moments.
type Recorder struct {
	store  *store.Store
	logger *slog.Logger
	now    func() time.Time
	// setBack counts how often the clock was set back. A watch that began earlier has times of the former clock.
	setBack atomic.Int64

	mu      sync.Mutex
	tenants map[gateway.TenantID]*tenant
	// since is the first second with counts: earlier ones were lost with the process that counted them.
	since time.Time
	// position is the position of the newest counted event, passed that of the newest event in the finished intervals, which
	// ended at passedAt.
	position, passed gateway.Position
	passedAt         time.Time
	// touched means that something was counted since the last sample of the backlogs; sampled is the time of the first sample.
	touched bool
	sampled time.Time

	// repeated is the range of times that occur a second time because the clock was set back: stored counts stay, and new counts
	// are added. It is owned by the goroutine of Load, then Run, like the fields below.
	repeated struct{ from, to time.Time }

	// Owned by the goroutine of Load, then Run: the due sums, the position of the newest event in the stored counts, when old
	// intervals were last removed, and when the backlogs were last sampled.
	due               map[sum]struct{}
	saved             gateway.Position
	removedAt, looked time.Time
}

// New returns a Recorder. Call Load before anything is counted, then Run.
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

// pass records the position at which intervals ended. The caller holds r.mu.
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

// of returns the tenant's counts, creating them on first use. The caller holds r.mu.
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
	// sampleEvery is the interval between samples of the backlogs while there is activity, restSample while there is none.
	sampleEvery = 5 * time.Second
	restSample  = time.Minute
	// sampleShare limits the work of sampling: a sample that took 1 ms is followed by a pause of 50 ms.
	sampleShare = 50
)

// sample samples the backlogs, if they may have changed, and returns the time until the next sample.
func (r *Recorder) sample(ctx context.Context, sources Sources) (wait time.Duration) {
	began, streams := r.now(), sources.Streams()
	if !r.takeTouched(streams) && began.Sub(r.looked) < restSample {
		return sampleEvery
	}
	r.looked = began
	backlogs, err := sources.Backlogs(ctx)
	if err != nil {
		if gateway.ErrorCode(err) != gateway.CodeUnavailable { // as it is when the server stops
			r.fault(ctx, "sample the backlogs", err)
		}
		return restSample
	}
	r.take(backlogs, streams)
	return max(sampleEvery, sampleShare*r.now().Sub(began))
}

// takeTouched reports whether there was activity since the last call. A change of the number of open streams is activity.
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
