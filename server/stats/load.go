package stats

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// maxRecount limits the events that are counted again at a start.
const maxRecount = 1_000_000

// Load continues where the last process ended. It restores the current interval, makes the sums that are missing, and counts the
// events of the log whose counts were not stored. Call it while the store runs and before anything else is counted.
func (r *Recorder) Load(ctx context.Context) error {
	now, head := r.now(), r.store.Head()
	r.begin(now, head)
	if err := r.resume(ctx, now); err != nil {
		return fmt.Errorf("load statistics: %w", err)
	}
	counted, err := r.stored(ctx, now)
	if err != nil {
		return fmt.Errorf("load statistics: %w", err)
	}
	if err := r.recount(ctx, now, max(counted, head-maxRecount), head); err != nil {
		return fmt.Errorf("count what was published: %w", err)
	}
	r.sumUp(ctx, r.now())
	return nil
}

func (r *Recorder) begin(now time.Time, head gateway.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.position = head
	r.pass(now)
}

// resume restores the current interval, if the last process stored one.
func (r *Recorder) resume(ctx context.Context, now time.Time) error {
	start := now.Truncate(shortest)
	rows, err := r.store.StatsOfAll(ctx, shortest, start, start.Add(shortest))
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range rows {
		open, err := decode(row.Start, row.Data)
		if err != nil {
			r.fault(ctx, "read statistics", err)
			continue
		}
		r.of(row.Tenant).open = open
	}
	return nil
}

// intervalKey identifies an interval of 15 s.
type intervalKey struct {
	tenant gateway.TenantID
	start  int64
}

// recount adds the events after the last counted position to their intervals.
func (r *Recorder) recount(ctx context.Context, now time.Time, counted, head gateway.Position) error {
	r.saved = head
	missing, err := r.store.Published(ctx, counted, head, shortest)
	if err != nil || len(missing) == 0 {
		return err
	}
	underWay := now.Truncate(shortest)
	before, err := r.store.PositionBefore(ctx, underWay)
	if err != nil {
		return err
	}
	changed := r.distribute(missing, now, before)
	first := underWay
	for _, one := range changed {
		if one.start.Before(first) {
			first = one.start
		}
	}
	if err := r.addStored(ctx, changed, first, underWay); err != nil {
		return err
	}
	r.saved = before
	if err := r.saveChanged(ctx, changed); err != nil {
		r.fault(ctx, "store statistics", err)
		r.saved = counted
		r.storeLater(changed)
	}
	return nil
}

// storeLater keeps intervals that could not be stored, for example on a full disk. They are stored with the next ones.
func (r *Recorder) storeLater(intervals map[intervalKey]*interval) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range slices.SortedFunc(maps.Keys(intervals), func(a, b intervalKey) int { return cmp.Compare(a.start, b.start) }) {
		t := r.of(key.tenant)
		t.closed = append(t.closed, closed{interval: intervals[key]})
	}
}

// distribute counts the events of the current interval, and returns earlier intervals, which end at the position before.
func (r *Recorder) distribute(missing []store.PublishedCount, now time.Time, before gateway.Position) map[intervalKey]*interval {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.passed = before
	changed := map[intervalKey]*interval{}
	for _, m := range missing {
		if !m.Start.Before(now.Truncate(shortest)) {
			_, open := r.of(m.Tenant).at(now)
			open.publish(m.Type, m.Events)
			continue
		}
		key := intervalKey{m.Tenant, m.Start.Unix()}
		if changed[key] == nil {
			changed[key] = newInterval(m.Start)
		}
		changed[key].publish(m.Type, m.Events)
	}
	return changed
}

// addStored adds the stored counts of intervals that begin in [from, before).
func (r *Recorder) addStored(ctx context.Context, to map[intervalKey]*interval, from, before time.Time) error {
	rows, err := r.store.StatsOfAll(ctx, shortest, from, before)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if own := to[intervalKey{row.Tenant, row.Start.Unix()}]; own != nil {
			stored, err := decode(row.Start, row.Data)
			if err != nil {
				r.fault(ctx, "read statistics", err)
				continue
			}
			own.add(stored)
			own.limit()
		}
	}
	return nil
}

func (r *Recorder) saveChanged(ctx context.Context, changed map[intervalKey]*interval) error {
	rows := make([]store.StatsInterval, 0, len(changed))
	for key, one := range changed {
		rows = append(rows, store.StatsInterval{
			Tenant: key.tenant, Resolution: shortest, Start: one.start, Position: r.saved, Data: one.encode(),
		})
		r.expect(0, one.start)
	}
	if len(rows) == 0 {
		return nil
	}
	return r.store.SaveStats(ctx, func() []store.StatsInterval { return rows })
}

// firstRecount is how far back events are counted if nothing is stored yet.
const firstRecount = time.Hour

// farFuture is after every interval.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// stored returns the position up to which the stored intervals count events. It also records as due the sums that the last process
// may not have made: those that contain the newest intervals, and the ones before.
func (r *Recorder) stored(ctx context.Context, now time.Time) (counted gateway.Position, err error) {
	found := false
	for level, t := range tiers {
		start, position, ok, err := r.store.NewestStats(ctx, t.length, now)
		if err != nil {
			return 0, err
		}
		if !ok {
			continue
		}
		found, counted = true, max(counted, position)
		if level+1 < len(tiers) {
			r.expect(level, start)
			r.expect(level, start.Add(-tiers[level+1].length))
		}
	}
	// Intervals that were stored by a clock that was ahead count, too; their times are in the future.
	last, position, ok, err := r.store.NewestStats(ctx, shortest, farFuture)
	if err != nil {
		return 0, err
	}
	if ok {
		found, counted = true, max(counted, position)
		r.repeat(now.Truncate(shortest).Add(shortest), last.Add(shortest))
	}
	if !found {
		return r.store.PositionBefore(ctx, now.Add(-firstRecount))
	}
	return counted, nil
}
