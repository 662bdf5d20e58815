package stats_test

import (
	"testing"
	"testing/synctest"
	"time"
)

func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Statistics stood still until a clock that was set back had caught up: all that happened was counted in one second.
func TestStatisticsGoOnAfterTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		again func(w *world)
	}{
		{"while the server runs", func(*world) {}},
		{"and the server is restarted", (*world).restart},
		{"and the server is killed", (*world).kill},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.ahead.Store(int64(24 * time.Hour))
				settle(10 * time.Minute)
				w.publish(tenant, "order.created", 10)
				settle(time.Minute)
				old := w.watch(tenant, time.Minute)
				w.ahead.Store(0)
				settle(time.Minute)
				if _, ok := old.Look(false); ok {
					t.Error("a watch goes on with times of another clock")
				}
				for range 4 {
					w.publish(tenant, "order.created", 5)
					settle(15 * time.Second)
				}
				c.again(w)
				settle(time.Second)
				for span, want := range map[time.Duration]int64{time.Hour: 20, 24 * time.Hour: 20, 48 * time.Hour: 20} {
					if seen := w.watch(tenant, span).total(); seen.Published != want {
						t.Errorf("over %v: %d published, want %d", span, seen.Published, want)
					}
				}
				settle(24 * time.Hour)
				if seen := w.watch(tenant, 24*time.Hour).total(); seen.Published != 10 {
					t.Errorf("a day later: %d published, want the 10 of then", seen.Published)
				}
			})
		})
	}
}

// What comes for the second time adds to what was counted the first time.
func TestTimesThatComeTwiceAddUp(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.ahead.Store(int64(time.Hour))
		settle(10 * time.Minute)
		for range 20 { // from 01:10 to 01:20
			w.publish(tenant, "order.created", 1)
			settle(30 * time.Second)
		}
		w.ahead.Store(int64(50 * time.Minute))
		for range 20 { // from 01:10 to 01:20 again
			w.publish(tenant, "order.created", 1)
			settle(30 * time.Second)
		}
		settle(10 * time.Minute)
		if seen := w.watch(tenant, time.Hour).total(); seen.Published != 40 {
			t.Errorf("%d published, want 40", seen.Published)
		}
		w.restart()
		if seen := w.watch(tenant, 24*time.Hour).total(); seen.Published != 40 {
			t.Errorf("%d published after a restart, want 40", seen.Published)
		}
	})
}
