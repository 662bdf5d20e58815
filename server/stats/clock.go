package stats

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/store"
)

// A clock that is set back by little counts on where it was (tenant.go). By more, everything that is shown would stand still
// until it has caught up. So the intervals under way end as they are, and counting begins anew, as at a start. Times that
// come a second time keep what was counted the first time.

// noticeSetBack begins anew if the clock was set back by more than what intervals are kept for.
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
	// It may have been set back in the interval before.
	r.repeat(r.passedAt.Add(-shortest), was.Add(shortest))
	r.setBack.Add(1)
}

func (t *tenant) beginAnew() {
	if t.open != nil {
		t.closed = append(t.closed, closed{interval: t.open})
	}
	t.open, t.seconds, t.before = nil, nil, t.gauges
}

// repeat says which times come for the second time. Those that still do are among them.
func (r *Recorder) repeat(from, to time.Time) {
	if r.repeated.to.After(to) {
		to = r.repeated.to
	}
	r.repeated.from, r.repeated.to = from, to
}

// addRepeated adds what is stored of times that come for the second time.
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
