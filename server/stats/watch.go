package stats

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// Watch reads a tenant's statistics for a time span that ends now. It holds the span's intervals with activity, at most
// gateway.MaxStatsPoints, and their sum. So the cost of each Look is that of the new intervals.
type Watch struct {
	recorder *Recorder
	tenant   gateway.TenantID
	// points is the grid of the points, tables the grid of the intervals that the tables sum up, which are never single seconds.
	points, tables grid

	intervals []*interval // of the length of tables
	whole     *interval   // their sum
	// before has the gauges before the first interval.
	before gateway.StatsGauges
	// taken is the time up to which finished intervals were added; looked is when that was done.
	taken, looked time.Time
	// given is the start of the newest point that was returned.
	given time.Time
	// setBack is the recorder's setBack when the watch began.
	setBack int64
}

// grid divides a span that ends now into intervals. The last interval is not over yet.
type grid struct {
	length time.Duration
	count  int
}

func newGrid(span, length time.Duration) grid {
	return grid{length, int((span + length - 1) / length)}
}

func (g grid) last(now time.Time) time.Time { return now.Truncate(g.length) }

func (g grid) first(now time.Time) time.Time {
	return g.last(now).Add(-time.Duration(g.count-1) * g.length)
}

// View is the result of Look.
type View struct {
	// Points are the points that may have changed since the last Look: all points the first time, later those from the newest
	// returned one on.
	Points []gateway.StatsPoint
	// Totals, Subscriptions, EventTypes and Failures are sums over the span, rounded to 15 s.
	Totals        gateway.StatsCounts
	Subscriptions []gateway.SubscriptionStats
	EventTypes    []gateway.EventTypeStats
	Failures      []gateway.FailureStats
}

// Watch returns a Watch of a time span.
func (r *Recorder) Watch(ctx context.Context, id gateway.TenantID, span time.Duration) (*Watch, error) {
	resolution := gateway.StatsResolution(span)
	w := &Watch{
		recorder: r, tenant: id, points: newGrid(span, resolution), tables: newGrid(span, max(resolution, shortest)),
		whole: newInterval(time.Time{}), setBack: r.setBack.Load(),
	}
	now := r.now()
	// Memory is read before the store: an interval that finishes in between is returned by the first Look.
	newest := r.newest(id, now, w.tables.first(now), false)
	if err := w.load(ctx, now, newest.closed); err != nil {
		return nil, err
	}
	for _, one := range newest.closed {
		w.add(one)
	}
	w.taken, w.looked = now.Truncate(shortest), now
	return w, nil
}

// Resolution returns the length of the points' intervals.
func (w *Watch) Resolution() time.Duration { return w.points.length }

// load reads the span's intervals that are not in memory from the store: first the long ones, then, where these may not have been
// made yet, the shorter ones.
func (w *Watch) load(ctx context.Context, now time.Time, inMemory []*interval) error {
	top := slices.IndexFunc(tiers[:], func(t tier) bool { return t.length == w.tables.length })
	from := w.tables.first(now)
	for level := top; level >= 0; level-- {
		length := tiers[level].length
		before := now.Truncate(length)
		if level > 0 {
			before = before.Add(-length)
		}
		if !from.Before(before) {
			continue
		}
		rows, err := w.recorder.store.Stats(ctx, w.tenant, length, from, before)
		if err != nil {
			return err
		}
		w.addStored(ctx, rows, from, level == top, inMemory)
		from = before
	}
	return nil
}

func (w *Watch) addStored(ctx context.Context, rows []store.StatsInterval, from time.Time, top bool, inMemory []*interval) {
	for _, row := range rows {
		one, err := decode(row.Start, row.Data)
		switch {
		case err != nil:
			w.recorder.fault(ctx, "read statistics", err)
		case row.Start.Before(from):
			if top {
				w.before = one.gauges
			}
		case row.Resolution > shortest || !slices.ContainsFunc(inMemory, func(i *interval) bool { return i.start.Equal(row.Start) }):
			w.add(one)
		}
	}
}

// add adds a finished interval to the interval of the tables that contains it.
func (w *Watch) add(one *interval) {
	w.whole.add(one)
	start := one.start.Truncate(w.tables.length)
	n := len(w.intervals)
	switch {
	case n > 0 && w.intervals[n-1].start.Equal(start):
		w.intervals[n-1].add(one)
	case w.tables.length == shortest:
		w.intervals = append(w.intervals, one) // shared: nothing else is added to it
	default:
		own := one.clone()
		own.start = start
		w.intervals = append(w.intervals, own)
	}
}

// forget removes the intervals that are no longer in the span.
func (w *Watch) forget(now time.Time) {
	first, n := w.tables.first(now), 0
	for n < len(w.intervals) && w.intervals[n].start.Before(first) {
		w.whole.remove(w.intervals[n])
		if w.intervals[n].gauges.Known {
			w.before = w.intervals[n].gauges
		}
		n++
	}
	w.intervals = slices.Delete(w.intervals, 0, n)
}

// Look returns the current statistics, optionally with the tables. ok is false if the last Look is so long ago that intervals may be
// missing, or if the clock was set back. Then begin a new Watch.
func (w *Watch) Look(tables bool) (view View, ok bool) {
	now := w.recorder.now()
	if now.Before(w.looked) {
		now = w.looked // a clock that went back
	}
	if now.Sub(w.looked) > keptFor || w.setBack != w.recorder.setBack.Load() {
		return view, false
	}
	newest := w.recorder.newest(w.tenant, now, w.taken, tables)
	for _, one := range newest.closed {
		w.add(one)
	}
	w.taken, w.looked = now.Truncate(shortest), now
	w.forget(now)
	from := w.points.first(now)
	if w.given.After(from) {
		from = w.given
	}
	w.given = w.points.last(now)
	if w.points.length < shortest {
		view.Points = secondPoints(newest, w.knownFrom(from), w.given)
	} else {
		view.Points = w.intervalPoints(newest, from, w.given)
	}
	// The gauges are current even without activity.
	view.Points[len(view.Points)-1].Gauges = newest.gauges
	if tables {
		w.sumUp(&view, newest)
	}
	return view, true
}

// knownFrom returns the first second from a time on for which the recorder has counts. Seconds before the recorder's start are
// unknown and must not be shown as seconds without activity.
func (w *Watch) knownFrom(from time.Time) time.Time {
	if since := w.recorder.knownSince(); since.After(from) && !since.After(w.given) {
		return since
	}
	return from
}

func (r *Recorder) knownSince() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.since
}

// secondPoints returns the points of single seconds.
func secondPoints(n newest, from, last time.Time) []gateway.StatsPoint {
	var points []gateway.StatsPoint
	gauges, seconds := n.before, n.seconds
	for at := from; !at.After(last); at = at.Add(time.Second) {
		for len(seconds) > 0 && seconds[0].number < at.Unix() {
			gauges, seconds = seconds[0].gauges, seconds[1:]
		}
		point := gateway.StatsPoint{Start: at}
		if len(seconds) > 0 && seconds[0].number == at.Unix() {
			point.StatsCounts, gauges = seconds[0].counts, seconds[0].gauges
		}
		point.Gauges = gauges
		points = append(points, point)
	}
	return points
}

// intervalPoints returns the points of longer intervals.
func (w *Watch) intervalPoints(n newest, from, last time.Time) []gateway.StatsPoint {
	var points []gateway.StatsPoint
	gauges, rest := w.before, w.intervals
	if len(rest) == 0 && !gauges.Known {
		gauges = n.gauges // nothing has changed since
	}
	for at := from; !at.After(last); at = at.Add(w.points.length) {
		for len(rest) > 0 && rest[0].start.Before(at) {
			gauges, rest = known(rest[0].gauges, gauges), rest[1:]
		}
		point := gateway.StatsPoint{Start: at}
		if len(rest) > 0 && rest[0].start.Equal(at) {
			point.StatsCounts, gauges = rest[0].total.Clone(), known(rest[0].gauges, gauges)
		}
		point.Gauges = gauges
		points = append(points, point)
	}
	if n.open != nil {
		points[len(points)-1].Add(&n.open.total)
	}
	return points
}

// known returns gauges, or the earlier ones if these are unknown.
func known(gauges, before gateway.StatsGauges) gateway.StatsGauges {
	if gauges.Known {
		return gauges
	}
	return before
}

// sumUp computes the tables.
func (w *Watch) sumUp(view *View, n newest) {
	sum := w.whole.clone()
	if n.open != nil {
		sum.add(n.open)
	}
	view.Totals = sum.total
	delete(sum.subscriptions, otherSubscriptions)
	for id := range n.backlogs {
		if sum.subscriptions[id] == nil {
			sum.subscriptions[id] = &gateway.StatsCounts{}
		}
	}
	for id, counts := range sum.subscriptions {
		view.Subscriptions = append(view.Subscriptions, gateway.SubscriptionStats{
			ID: id, StatsCounts: *counts, Backlog: n.backlogs[id],
		})
	}
	delete(sum.types, otherTypes)
	for _, name := range slices.Sorted(maps.Keys(sum.types)) {
		view.EventTypes = append(view.EventTypes, gateway.EventTypeStats{Type: name, Published: *sum.types[name]})
	}
	delete(sum.failures, failure{})
	for of, n := range sum.failures {
		view.Failures = append(view.Failures, gateway.FailureStats{Subscription: of.subscription, Reason: of.reason, Failed: *n})
	}
}

// newest is a snapshot of a tenant's counts in memory. The caller owns it.
type newest struct {
	closed   []*interval
	open     *interval
	seconds  []second
	before   gateway.StatsGauges
	gauges   gateway.StatsGauges
	backlogs map[gateway.SubscriptionID]gateway.SubscriptionBacklog
}

// newest returns the finished intervals that began at or after from, and the current one: only its total, or the whole of it.
func (r *Recorder) newest(id gateway.TenantID, now, from time.Time, whole bool) newest {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tenants[id]
	if t == nil {
		gauges := gateway.StatsGauges{Known: !r.sampled.IsZero()}
		return newest{before: gauges, gauges: gauges}
	}
	t.close(now)
	n := newest{before: t.before, gauges: t.gauges, backlogs: t.backlogs, seconds: slices.Clone(t.seconds)}
	for _, c := range t.closed {
		if !c.start.Before(from) {
			n.closed = append(n.closed, c.interval)
		}
	}
	if last := len(n.seconds) - 1; last >= 0 {
		n.seconds[last].counts = n.seconds[last].counts.Clone()
	}
	if t.open != nil && whole {
		n.open = t.open.clone()
	} else if t.open != nil {
		n.open = &interval{start: t.open.start, total: t.open.total.Clone()}
	}
	return n
}
