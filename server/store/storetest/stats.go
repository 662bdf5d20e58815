package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

var statsCases = []testCase{
	{"an interval is stored in the place of an older one", func(t *testing.T, fresh Fresh) {
		w := running(t, fresh)
		w.saveStats(w.statsInterval(0, "old"), w.statsInterval(1, "next"))
		w.saveStats(w.statsInterval(0, "new"))
		w.restart()
		w.wantStats(w.stats(0, 10), "new", "next")
	}},
	{"a span begins with the newest interval before it", func(t *testing.T, fresh Fresh) {
		w := running(t, fresh)
		for i := range 6 {
			w.saveStats(w.statsInterval(2*i, fmt.Sprint(2*i)))
		}
		w.wantStats(w.stats(5, 9), "4", "6", "8")
		w.wantStats(w.stats(4, 8), "2", "4", "6")
		w.wantStats(w.stats(0, 1), "0")
		w.wantStats(w.stats(20, 30), "10")
	}},
	{"tenants and resolutions are apart", func(t *testing.T, fresh Fresh) {
		w := running(t, fresh)
		other := must(w.CreateTenant(context.Background(), gateway.Tenant{Name: "acme"}))(t)
		theirs, hour := w.statsInterval(0, "theirs"), w.statsInterval(0, "hour")
		theirs.Tenant, hour.Resolution = other.ID, time.Hour
		w.saveStats(w.statsInterval(0, "ours"), theirs, hour)
		w.wantStats(w.stats(0, 10), "ours")
		all := must(w.StatsOfAll(context.Background(), statsLength, statsStart, statsStart.Add(time.Hour)))(t)
		w.wantStats(all, "ours", "theirs")
	}},
	{"the newest one tells what was counted", func(t *testing.T, fresh Fresh) {
		w := running(t, fresh)
		if _, _, ok, err := w.NewestStats(context.Background(), statsLength, statsStart.Add(time.Hour)); ok || err != nil {
			t.Errorf("without any: %v, %v", ok, err)
		}
		old, newest := w.statsInterval(1, ""), w.statsInterval(2, "")
		old.Position, newest.Position = 7, 9
		w.saveStats(newest, old)
		start, position, ok, err := w.NewestStats(context.Background(), statsLength, statsStart.Add(time.Hour))
		if !start.Equal(newest.Start) || position != 9 || !ok || err != nil {
			t.Errorf("%v, %d, %v, %v", start, position, ok, err)
		}
		start, position, ok, err = w.NewestStats(context.Background(), statsLength, old.Start)
		if !start.Equal(old.Start) || position != 7 || !ok || err != nil {
			t.Errorf("by the time of the old one: %v, %d, %v, %v", start, position, ok, err)
		}
	}},
	{"old ones are removed", func(t *testing.T, fresh Fresh) {
		w := running(t, fresh)
		var many []store.StatsInterval
		for i := range 1200 {
			many = append(many, w.statsInterval(i, fmt.Sprint(i)))
		}
		w.saveStats(many...)
		if err := w.RemoveStats(context.Background(), statsLength, statsStart.Add(1198*statsLength)); err != nil {
			t.Fatal(err)
		}
		w.wantStats(w.stats(0, 2000), "1198", "1199")
	}},
	{"published events are counted by tenant, type and interval", func(t *testing.T, fresh Fresh) {
		w := running(t, fresh)
		w.publish(w.event("a"), w.event("b"), w.event("c", func(e *gateway.Event) { e.Type = "order.paid" }))
		counts := must(w.Published(context.Background(), 1, w.Head(), 24*time.Hour))(t)
		got := map[string]int64{}
		for _, c := range counts {
			if c.Tenant != w.tenantID() || !c.Start.Equal(c.Start.Truncate(24*time.Hour)) || time.Since(c.Start) > 48*time.Hour {
				t.Errorf("%+v", c)
			}
			got[c.Type] += c.Events
		}
		if len(got) != 2 || got["order.created"] != 1 || got["order.paid"] != 1 {
			t.Errorf("%v", got)
		}
	}},
}

const statsLength = 15 * time.Second

var statsStart = time.Unix(1_800_000_000, 0).UTC()

// statsInterval makes the nth interval of the default tenant.
func (w *world) statsInterval(n int, data string) store.StatsInterval {
	return store.StatsInterval{
		Tenant: w.tenantID(), Resolution: statsLength, Start: statsStart.Add(time.Duration(n) * statsLength), Data: []byte(data),
	}
}

func (w *world) saveStats(intervals ...store.StatsInterval) {
	w.t.Helper()
	if err := w.SaveStats(context.Background(), func() []store.StatsInterval { return intervals }); err != nil {
		w.t.Fatal(err)
	}
}

// stats returns the default tenant's intervals from the nth on.
func (w *world) stats(from, before int) []store.StatsInterval {
	w.t.Helper()
	at := func(n int) time.Time { return statsStart.Add(time.Duration(n) * statsLength) }
	return must(w.Stats(context.Background(), w.tenantID(), statsLength, at(from), at(before)))(w.t)
}

func (w *world) wantStats(got []store.StatsInterval, want ...string) {
	w.t.Helper()
	var found []string
	for _, one := range got {
		found = append(found, string(one.Data))
	}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		w.t.Errorf("found %v, want %v", found, want)
	}
}
