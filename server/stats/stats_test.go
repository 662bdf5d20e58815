package stats_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stats"
)

// spans has one of each resolution.
var spans = map[string]time.Duration{
	"1 s": 5 * time.Minute, "15 s": time.Hour, "5 min": 24 * time.Hour, "1 h": 14 * 24 * time.Hour,
}

func TestEverySpanShowsWhatHappened(t *testing.T) {
	t.Parallel()
	for name, span := range spans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.publish(tenant, "order.created", 3)
				w.publish(tenant, "order.paid", 1)
				w.deliver(7, 2, 20*time.Millisecond)
				w.fail(7, 1, 0)
				w.fail(8, 3, 1)
				w.backlogs.Store(&stats.Backlogs{tenant: {8: {Waiting: 5, Retrying: 2}}})
				time.Sleep(7 * time.Second)

				seen := w.watch(tenant, span)
				want := int(span / seen.Resolution())
				if seen.Resolution() == time.Second {
					want = 8 // those since the start, and the one under way
				}
				if n := len(seen.points); n > gateway.MaxStatsPoints || n != want {
					t.Errorf("%d points of %v for %v, want %d", n, seen.Resolution(), span, want)
				}
				for from, c := range map[string]gateway.StatsCounts{"points": seen.total(), "totals": seen.view.Totals} {
					if c.Published != 4 || c.Delivered != 2 || c.Failed != 4 || c.Dead != 1 || c.Latency.Count() != 2 {
						t.Errorf("%s: %+v", from, c)
					}
				}
				if got := seen.eventType("order.created"); got != 3 {
					t.Errorf("order.created: %d", got)
				}
				if s := seen.subscription(8); s.Delivered != 0 || s.Failed != 3 || s.Dead != 1 || s.Backlog.Waiting != 5 || s.Backlog.Retrying != 2 {
					t.Errorf("subscription 8: %+v", s)
				}
				points := seen.sorted()
				if g := points[len(points)-1].Gauges; !g.Known || g.Backlog != 5 || g.Retrying != 2 {
					t.Errorf("what waits now: %+v", g)
				}
			})
		})
	}
}

// TestNothingIsLostOrCountedTwice follows each span for longer than an interval, and compares what a page would show with
// what happened, and with what a page opened at the end shows.
func TestNothingIsLostOrCountedTwice(t *testing.T) {
	t.Parallel()
	for name, span := range spans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				// The watch begins within an interval of each length, in which something has happened.
				time.Sleep(55*time.Minute + 7*time.Second)
				w.publish(tenant, "order.created", 1)
				w.deliver(7, 1, time.Millisecond)
				time.Sleep(700 * time.Millisecond)
				seen := w.watch(tenant, span)
				happened := int64(1)
				begin := time.Now()
				for tick := 0; time.Since(begin) < min(2*seen.Resolution()+4*time.Minute, 70*time.Minute); tick++ {
					w.publish(tenant, "order.created", 1+tick%3)
					w.deliver(7, 1+tick%3, time.Millisecond)
					happened += int64(1 + tick%3)
					time.Sleep(1300 * time.Millisecond)
					seen.look()
				}
				total := seen.total()
				if total.Published != happened || total.Delivered != happened {
					t.Errorf("points show %d published and %d delivered of %d", total.Published, total.Delivered, happened)
				}
				if got := seen.view.Totals.Published; got != happened || seen.eventType("order.created") != happened {
					t.Errorf("tables show %d of %d", got, happened)
				}
				afresh := w.watch(tenant, span)
				for at, p := range afresh.points {
					if was, ok := seen.points[at]; !ok || was.Published != p.Published || was.Delivered != p.Delivered {
						t.Errorf("at %v the one shows %d, the other %d", p.Start, was.Published, p.Published)
					}
				}
				if got := afresh.subscription(7); got.Delivered != happened {
					t.Errorf("a new watch shows %d delivered of %d", got.Delivered, happened)
				}
			})
		})
	}
}

func TestWhatLeavesTheSpanIsNoLongerSummedUp(t *testing.T) {
	t.Parallel()
	for name, span := range spans {
		if span > 24*time.Hour {
			continue // looking often enough for 14 days takes too long
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.publish(tenant, "order.created", 2)
				w.deliver(7, 2, time.Millisecond)
				seen := w.watch(tenant, span)
				for begin := time.Now(); time.Since(begin) < span+15*time.Second; {
					time.Sleep(time.Minute)
					seen.look()
				}
				if seen.view.Totals.Published != 0 || len(seen.view.EventTypes)+len(seen.view.Subscriptions) != 0 {
					t.Errorf("still there after %v: %+v", span, seen.view)
				}
				if c := seen.view.Totals.Latency.Count(); c != 0 {
					t.Errorf("%d latencies are left", c)
				}
			})
		})
	}
}

// A subscription whose attempts of an interval were all answered by 429 had counts of nothing: the interval could not be read again,
// with all else that had happened in it, and a watch panicked when two of them left its span.
func TestEndpointsThatAskToSlowDownCostNoFigures(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		seen := w.watch(tenant, spans["1 s"])
		for range 40 {
			w.publish(tenant, "order.created", 2)
			w.slowDown(7, 3)
			time.Sleep(15 * time.Second)
			seen.look()
		}
		for range 25 {
			time.Sleep(15 * time.Second)
			seen.look()
		}
		if seen.view.Totals.Published != 0 || len(seen.view.Subscriptions) != 0 {
			t.Errorf("after the span: %+v", seen.view)
		}
		w.restart()
		for _, name := range []string{"15 s", "5 min"} {
			if got := w.watch(tenant, spans[name]).total().Published; got != 80 {
				t.Errorf("%s: %d published, want 80", name, got)
			}
		}
	})
}

func TestHistorySurvivesARestart(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		for range 50 {
			w.publish(tenant, "order.created", 2)
			w.deliver(7, 1, time.Second)
			time.Sleep(2 * time.Minute)
		}
		w.publish(tenant, "order.paid", 1) // in the interval under way
		w.restart()
		w.publish(tenant, "order.paid", 1)
		for _, name := range []string{"15 s", "5 min", "1 h"} {
			seen := w.watch(tenant, max(spans[name], 100*time.Minute))
			if total := seen.total(); total.Published != 102 && name != "15 s" {
				t.Errorf("%s: %d published", name, total.Published)
			}
			if got := seen.eventType("order.paid"); got != 2 {
				t.Errorf("%s: the interval that the restart fell into has %d", name, got)
			}
		}
	})
}

func TestAKillLosesNothingPublished(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.publish(tenant, "order.created", 4)
		time.Sleep(20 * time.Second)
		w.publish(tenant, "order.created", 2)
		w.publish(tenant, "order.paid", 1)
		w.deliver(7, 1, time.Second)
		time.Sleep(time.Second)
		for range 3 { // what is counted again must be counted once
			w.kill()
		}
		w.publish(tenant, "order.created", 1)
		time.Sleep(30 * time.Second)
		w.kill()
		for _, span := range []time.Duration{time.Hour, 24 * time.Hour} {
			seen := w.watch(tenant, span)
			if got := seen.view.Totals; got.Published != 8 || seen.eventType("order.paid") != 1 {
				t.Errorf("%v: %d published, %d paid", span, got.Published, seen.eventType("order.paid"))
			}
		}
	})
}

// A start on a full disk ended the process when the last one had been killed in an interval that was over by then: its events are
// counted again, and the counts were to be stored.
func TestAStartThatCannotStoreCountsGoesOn(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.publish(tenant, "order.created", 4)
		time.Sleep(5 * time.Second)
		w.end()
		w.stopRecorder()
		<-w.recorderDone
		w.execute(`create trigger full before insert on stats_interval begin select raise(abort, 'database or disk is full'); end`)
		time.Sleep(20 * time.Second)
		w.start()
		w.execute(`drop trigger full`)
		for _, when := range []string{"while it is not stored", "once it is stored", "after another kill"} {
			if seen := w.watch(tenant, time.Hour); seen.total().Published != 4 {
				t.Errorf("%s: %d published", when, seen.total().Published)
			}
			time.Sleep(20 * time.Second)
			if when == "once it is stored" {
				w.kill()
			}
		}
	})
}

// TestAKillBeforeASum dies in the moment in which a long interval is over and not yet summed up.
func TestAKillBeforeASum(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		time.Sleep(59*time.Minute + 50*time.Second)
		w.publish(tenant, "order.created", 3)
		time.Sleep(9 * time.Second)
		w.kill()
		time.Sleep(20 * time.Minute)
		w.kill()
		for _, resolution := range []time.Duration{5 * time.Minute, time.Hour} {
			if rows := w.stored(resolution); len(rows) != 1 {
				t.Errorf("%d rows of %v", len(rows), resolution)
			}
		}
		if seen := w.watch(tenant, 14*24*time.Hour); seen.total().Published != 3 {
			t.Errorf("%d published", seen.total().Published)
		}
	})
}

func TestAnIdleServerWritesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.publish(tenant, "order.created", 1)
		w.backlogs.Store(&stats.Backlogs{tenant: {8: {Waiting: 5}}})
		time.Sleep(time.Minute)
		short, long := len(w.stored(15*time.Second)), 1
		if short == 0 || short > 2 {
			t.Fatalf("%d intervals of 15 s", short)
		}
		time.Sleep(2*time.Hour - 5*time.Minute)
		if n := len(w.stored(15 * time.Second)); n != short {
			t.Errorf("%d intervals of 15 s after two hours at rest, %d before", n, short)
		}
		if n := len(w.stored(5 * time.Minute)); n != long {
			t.Errorf("%d intervals of 5 min", n)
		}
		if n := len(w.stored(time.Hour)); n != long {
			t.Errorf("%d intervals of 1 h", n)
		}
		points := w.watch(tenant, time.Hour).sorted()
		if g := points[0].Gauges; g.Backlog != 5 {
			t.Errorf("what waited all the time is shown as %+v", g)
		}
	})
}

// Streams that open and close are something that happens, and come back with the history.
func TestOpenStreamsAreCounted(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		time.Sleep(time.Minute)
		for _, open := range []int{3, 1, 0} {
			counts := map[gateway.TenantID]int{}
			if open > 0 {
				counts[tenant] = open
			}
			w.streams.Store(&counts)
			time.Sleep(15 * time.Second)
			points := w.watch(tenant, 5*time.Minute).sorted()
			if g := points[len(points)-1].Gauges; g.Streams != int64(open) {
				t.Errorf("%d streams are open, %+v is shown", open, g)
			}
		}
		time.Sleep(time.Hour)
		rows := len(w.stored(15 * time.Second))
		w.restart()
		most := int64(0)
		for _, point := range w.watch(tenant, 90*time.Minute).sorted() {
			most = max(most, point.Gauges.Streams)
		}
		if most != 3 || rows == 0 || rows > 4 {
			t.Errorf("after a restart at most %d streams are shown, of %d stored intervals", most, rows)
		}
	})
}

func TestOldIntervalsAreRemoved(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.publish(tenant, "order.created", 1)
		time.Sleep(5 * time.Hour)
		if n := len(w.stored(15 * time.Second)); n != 0 {
			t.Errorf("%d intervals of 15 s after 5 hours", n)
		}
		time.Sleep(50 * time.Hour)
		if n := len(w.stored(5 * time.Minute)); n != 0 {
			t.Errorf("%d intervals of 5 min after 55 hours", n)
		}
		w.restart()
		if seen := w.watch(tenant, 14*24*time.Hour); seen.total().Published != 1 {
			t.Errorf("after 55 hours the span of 14 days shows %d", seen.total().Published)
		}
		time.Sleep(15 * 24 * time.Hour)
		if n := len(w.stored(time.Hour)); n != 0 {
			t.Errorf("%d intervals of 1 h after 17 days", n)
		}
	})
}

// TestASumIsNotMadeAgainOfWhatIsLeft restarts when the older part of what a sum was made of is old enough to be removed.
func TestASumIsNotMadeAgainOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.publish(tenant, "order.created", 1)
		time.Sleep(4 * time.Minute)
		w.publish(tenant, "order.created", 1)
		time.Sleep(2*time.Hour + 57*time.Minute)
		w.restart()
		if seen := w.watch(tenant, 24*time.Hour); seen.total().Published != 2 {
			t.Errorf("%d published of 2", seen.total().Published)
		}
	})
}

func TestCardinalityIsBounded(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		const many = 3000
		for i := range many {
			w.publish(tenant, fmt.Sprintf("type.n%d", i%1000), 1)
			w.deliver(gateway.SubscriptionID(i+1), 1, time.Millisecond)
			if i%1000 == 999 {
				if seen := w.watch(tenant, time.Hour); i == 999 && (len(seen.view.Subscriptions) != 500 || len(seen.view.EventTypes) != 200) {
					t.Errorf("one interval tells %d subscriptions and %d types apart", len(seen.view.Subscriptions), len(seen.view.EventTypes))
				}
				time.Sleep(15 * time.Second)
			}
		}
		w.publish(tenant, "type.busy", 500)
		w.deliver(many+1, 500, time.Millisecond)
		time.Sleep(time.Hour)
		for _, resolution := range []time.Duration{15 * time.Second, 5 * time.Minute, time.Hour} {
			for _, row := range w.stored(resolution) {
				if len(row.Data) > 20<<10 {
					t.Errorf("an interval of %v takes %d bytes", resolution, len(row.Data))
				}
			}
		}
		w.restart()
		seen := w.watch(tenant, 14*24*time.Hour)
		if got := seen.view.Totals; got.Published != many+500 || got.Delivered != many+500 {
			t.Errorf("%d published, %d delivered", got.Published, got.Delivered)
		}
		if got := seen.eventType("type.busy"); got != 500 {
			t.Errorf("the busy type was counted %d times of 500", got)
		}
		if got := seen.subscription(many + 1); got.Delivered != 500 {
			t.Errorf("the busy subscription was counted %d times of 500", got.Delivered)
		}
		if len(seen.view.Subscriptions) > 1000 || len(seen.view.EventTypes) > 400 {
			t.Errorf("%d subscriptions and %d types are told apart", len(seen.view.Subscriptions), len(seen.view.EventTypes))
		}
	})
}

func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		other, err := w.store.CreateTenant(w.t.Context(), gateway.Tenant{Name: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		w.publish(tenant, "order.created", 2)
		w.publish(other.ID, "user.created", 5)
		for range 2 {
			for id, want := range map[gateway.TenantID]int64{tenant: 2, other.ID: 5} {
				seen := w.watch(id, time.Hour)
				if got := seen.total().Published; got != want || len(seen.view.EventTypes) != 1 {
					t.Errorf("tenant %d: %d published, %v", id, got, seen.view.EventTypes)
				}
			}
			w.kill()
		}
	})
}

func TestSecondsBeforeARestartAreNotKnown(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.publish(tenant, "order.created", 3)
		time.Sleep(time.Minute)
		w.restart()
		restarted := time.Now()
		time.Sleep(5 * time.Second)
		points := w.watch(tenant, 5*time.Minute).sorted()
		if first := points[0].Start; len(points) != 6 || !first.Equal(restarted.Truncate(time.Second)) {
			t.Errorf("%d points from %v on, restarted at %v", len(points), first, restarted)
		}
		// Longer intervals were stored.
		if total := w.watch(tenant, time.Hour).total(); total.Published != 3 {
			t.Errorf("%d published", total.Published)
		}
	})
}

func TestAWatchThatDoesNotLookEnds(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		seen := w.watch(tenant, time.Hour)
		time.Sleep(3 * time.Minute)
		if _, ok := seen.Look(false); ok {
			t.Error("a watch that has missed intervals goes on")
		}
	})
}

func TestOnlyWhatIsNewIsGiven(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		time.Sleep(10 * time.Minute)
		seen := w.watch(tenant, 5*time.Minute)
		if seen.fresh != 300 {
			t.Errorf("%d points at first", seen.fresh)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if seen.look(); seen.fresh != 2 {
			t.Errorf("%d points a second later: the one that was under way, and the next", seen.fresh)
		}
	})
}
