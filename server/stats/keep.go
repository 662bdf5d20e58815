package stats

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// tier is a length of the intervals that are stored.
type tier struct {
	length time.Duration
	// kept is for how long: as long as a watch of that resolution can look back, and until they are summed up.
	kept time.Duration
}

// tiers are the lengths that are stored. Each is a multiple of the one before.
var tiers = [...]tier{
	{shortest, 3 * time.Hour},
	{5 * time.Minute, 2 * 24 * time.Hour},
	{time.Hour, gateway.MaxStatsSpan + 24*time.Hour},
}

// sum is an interval of a tier that is to be made of those of the tier below.
type sum struct {
	tier  int
	start time.Time
}

func (s sum) end() time.Time { return s.start.Add(tiers[s.tier].length) }

// expect takes note that an interval of a tier was stored, so that the longer one it is a part of is due.
func (r *Recorder) expect(tier int, start time.Time) {
	if above := tier + 1; above < len(tiers) {
		r.due[sum{above, start.Truncate(tiers[above].length)}] = struct{}{}
	}
}

// Run stores finished intervals and samples the sources until ctx ends. Then it stores the current interval too, which the
// next start continues. The store's Run must outlast it.
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

// untilNext is the time until the next multiple of an interval.
func (r *Recorder) untilNext(interval time.Duration) time.Duration {
	now := r.now()
	return now.Truncate(interval).Add(interval).Sub(now)
}

// keep stores the finished intervals and the sums that are due, and removes what is old.
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

// last stores everything, asked by the writer when it has committed what was queued before.
func (r *Recorder) last(ctx context.Context) {
	err := r.store.SaveStats(ctx, func() []store.StatsInterval {
		rows, _ := r.finished(r.now(), true)
		return rows
	})
	if err != nil {
		r.fault(ctx, "store statistics", err)
	}
}

// finished returns the intervals that are to be stored, with those under way if asked, and the position of the newest
// event that is counted in them.
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

// tidy lets go of the intervals before a time, which are stored, and of tenants at rest.
func (r *Recorder) tidy(now, storedBefore time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, t := range r.tenants {
		if !t.tidy(now, storedBefore) {
			delete(r.tenants, id)
		}
	}
}

// sumUp makes the sums whose time is over, shorter ones first.
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

// makeSum sums up the intervals of all tenants. It may be made again: it comes out the same.
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

// removeOld removes what is too old, once an hour.
func (r *Recorder) removeOld(ctx context.Context, now time.Time) {
	if now.Before(r.removedAt.Add(time.Hour)) {
		return
	}
	for _, t := range tiers {
		// By whole hours, so that the parts of a sum go together: one that is made again must come out the same.
		if err := r.store.RemoveStats(ctx, t.length, now.Add(-t.kept).Truncate(time.Hour)); err != nil {
			r.fault(ctx, "remove old statistics", err)
			return
		}
	}
	r.removedAt = now
}

// fault tells what went wrong. Statistics are no reason to stop.
func (r *Recorder) fault(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil {
		r.logger.Warn(doing, "error", err)
	}
}
