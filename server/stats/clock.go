package stats

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/store"
)

// If the clock is set back by a little, counting continues where it was (tenant.go). If it is set back by more, all figures would
// stand still until the clock has caught up. So the current intervals end as they are, and counting begins anew, as at a start. Times
// that occur a second time keep the counts of the first time.

// noticeSetBack begins counting anew if the clock was set back by more than the time for which intervals stay in memory.
func (r *Recorder) noticeSetBack(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.passedAt
	if !now.Before(was.Add(-keptFor)) {
		return
	}
	for _, t := range r.tenants {
		t.beginAnew()
	}
	r.since, r.passed, r.passedAt = now.Truncate(time.Second), r.position, now.Truncate(shortest)
	r.removedAt, r.looked = time.Time{}, time.Time{}
	// The clock may have been set back in the interval before.
	r.repeat(r.passedAt.Add(-shortest), was.Add(shortest))
	r.setBack.Add(1)
}

func (t *tenant) beginAnew() {
	if t.open != nil {
		t.closed = append(t.closed, closed{interval: t.open})
	}
	t.open, t.seconds, t.before = nil, nil, t.gauges
}

// repeat records the range of times that occur a second time. An earlier range that is not over yet is included.
func (r *Recorder) repeat(from, to time.Time) {
	if r.repeated.to.After(to) {
		to = r.repeated.to
	}
	r.repeated.from, r.repeated.to = from, to
}

// addRepeated adds the stored counts of times that occur a second time.
func (r *Recorder) addRepeated(ctx context.Context, rows []store.StatsInterval) []store.StatsInterval {
	for i := range rows {
		row := &rows[i]
		if row.Start.Before(r.repeated.from) || !row.Start.Before(r.repeated.to) {
			continue
		}
		counted, err := decode(row.Start, row.Data)
		if err == nil {
			err = r.addStored(ctx, map[intervalKey]*interval{{row.Tenant, row.Start.Unix()}: counted}, row.Start, row.Start.Add(shortest))
		}
		if err != nil {
			r.fault(ctx, "read statistics", err)
			continue
		}
		row.Data = counted.encode()
	}
	return rows
}
