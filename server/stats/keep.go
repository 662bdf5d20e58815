package stats

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// tier is a resolution in which intervals are stored.
type tier struct {
	length time.Duration
	// kept is how long its intervals are stored: as long as a watch of this resolution can look back, and until they are summed up.
	kept time.Duration
}

// tiers are the stored resolutions. Each is a multiple of the one before.
var tiers = [...]tier{
	{shortest, 3 * time.Hour},
	{5 * time.Minute, 2 * 24 * time.Hour},
	{time.Hour, gateway.MaxStatsSpan + 24*time.Hour},
}

// sum is an interval of a tier that is pending: it will be made from those of the tier below.
type sum struct {
	tier  int
	start time.Time
}

func (s sum) end() time.Time { return s.start.Add(tiers[s.tier].length) }

// expect records that an interval of a tier was stored, so the longer interval that contains it becomes due.
func (r *Recorder) expect(tier int, start time.Time) {
	if above := tier + 1; above < len(tiers) {
		r.due[sum{above, start.Truncate(tiers[above].length)}] = struct{}{}
	}
}

// Run stores finished intervals and samples the sources until ctx ends. Then it also stores the current interval, which the next
// start continues. The store must run longer than Run.
func (r *Recorder) Run(ctx context.Context, sources Sources) error {
	finished := time.NewTimer(r.untilNext(shortest))
	defer finished.Stop()
	sample := time.NewTimer(0)
	defer sample.Stop()
	for {
		select {
		case <-ctx.Done():
			r.last(context.WithoutCancel(ctx))
			return nil
		case <-sample.C:
			sample.Reset(r.sample(ctx, sources))
		case <-finished.C:
			r.keep(ctx)
			finished.Reset(r.untilNext(shortest))
		}
	}
}

// untilNext returns the time until the next multiple of an interval.
func (r *Recorder) untilNext(interval time.Duration) time.Duration {
	now := r.now()
	return now.Truncate(interval).Add(interval).Sub(now)
}

// keep stores the finished intervals and the due sums, and removes old ones.
func (r *Recorder) keep(ctx context.Context) {
	now := r.now()
	r.noticeSetBack(now)
	rows, counted := r.finished(now, false)
	if len(rows) > 0 {
		rows = r.addRepeated(ctx, rows)
		if err := r.store.SaveStats(ctx, func() []store.StatsInterval { return rows }); err != nil {
			r.fault(ctx, "store statistics", err)
			r.tidy(now, time.Time{})
			return
		}
		for _, row := range rows {
			r.expect(0, row.Start)
		}
	}
	r.saved = counted
	r.tidy(now, now.Truncate(shortest))
	r.sumUp(ctx, now)
	r.removeOld(ctx, now)
}

// last stores everything. The writer calls the function after it has committed everything that was queued before.
func (r *Recorder) last(ctx context.Context) {
	err := r.store.SaveStats(ctx, func() []store.StatsInterval {
		rows, _ := r.finished(r.now(), true)
		return rows
	})
	if err != nil {
		r.fault(ctx, "store statistics", err)
	}
}

// finished returns the intervals that are not stored yet, optionally with the current ones, and the position of the newest event
// that they count.
func (r *Recorder) finished(now time.Time, underWay bool) (rows []store.StatsInterval, counted gateway.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pass(now)
	counted = r.passed
	if underWay {
		counted = r.position
	}
	for id, t := range r.tenants {
		t.close(now)
		found := t.unstored()
		if underWay && t.open != nil {
			found = append(found, t.open)
		}
		for _, i := range found {
			rows = append(rows, store.StatsInterval{
				Tenant: id, Resolution: shortest, Start: i.start, Position: counted, Data: i.encode(),
			})
		}
	}
	return rows, counted
}

// tidy frees the intervals before a time, which are stored, and idle tenants.
func (r *Recorder) tidy(now, storedBefore time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, t := range r.tenants {
		if !t.tidy(now, storedBefore) {
			delete(r.tenants, id)
		}
	}
}

// sumUp makes the sums whose time is over, the shorter ones first.
func (r *Recorder) sumUp(ctx context.Context, now time.Time) {
	for level := 1; level < len(tiers); level++ {
		for due := range r.due {
			if due.tier != level || now.Before(due.end()) {
				continue
			}
			if err := r.makeSum(ctx, due); err != nil {
				r.fault(ctx, "sum up statistics", err)
				return
			}
			delete(r.due, due)
			r.expect(level, due.start)
		}
	}
}

// makeSum sums up the intervals of all tenants. It can be repeated with the same result.
func (r *Recorder) makeSum(ctx context.Context, due sum) error {
	parts, err := r.store.StatsOfAll(ctx, tiers[due.tier-1].length, due.start, due.end())
	if err != nil {
		return err
	}
	var rows []store.StatsInterval
	for len(parts) > 0 {
		n, whole := 0, newInterval(due.start)
		for ; n < len(parts) && parts[n].Tenant == parts[0].Tenant; n++ {
			part, err := decode(parts[n].Start, parts[n].Data)
			if err != nil {
				r.fault(ctx, "read statistics", err)
				continue
			}
			whole.add(part)
		}
		whole.limit()
		rows = append(rows, store.StatsInterval{
			Tenant: parts[0].Tenant, Resolution: tiers[due.tier].length, Start: due.start, Position: r.saved, Data: whole.encode(),
		})
		parts = parts[n:]
	}
	if len(rows) == 0 {
		return nil
	}
	if err := r.store.SaveStats(ctx, func() []store.StatsInterval { return rows }); err != nil {
		return fmt.Errorf("store the sum: %w", err)
	}
	return nil
}

// removeOld removes intervals that are too old, once an hour.
func (r *Recorder) removeOld(ctx context.Context, now time.Time) {
	if now.Before(r.removedAt.Add(time.Hour)) {
		return
	}
	for _, t := range tiers {
		// Whole hours, so that the parts of a sum are removed together: a repeated sum must have the same result.
		if err := r.store.RemoveStats(ctx, t.length, now.Add(-t.kept).Truncate(time.Hour)); err != nil {
			r.fault(ctx, "remove old statistics", err)
			return
		}
	}
	r.removedAt = now
}

// fault logs an error. Statistics are no reason to stop.
func (r *Recorder) fault(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil {
		r.logger.Warn(doing, "error", err)
	}
}
