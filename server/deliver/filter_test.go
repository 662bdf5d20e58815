package deliver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// An event that the expression rejects is skipped like one that the patterns reject: it gets no row, and the position moves
// on.
func TestExpressionSelects(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribeTo("s", gateway.StartNow, gateway.Policy{Concurrency: 1}, gateway.Filter{Types: []string{"a"}, Expression: everyThird})
		w.publish("a", "b", "a", "a", "a", "b", "a", "a", "a")
		pass(time.Second)
		equalList(t, "received", e.ids(), []string{"3", "9"})
		equal(t, "place", w.health(sub).Place, 9)
		equal(t, "rows", w.states(sub)[gateway.DeliveryDelivered], 2)
		w.publishN(1000, "b")
		w.publish("a")
		pass(time.Minute)
		equal(t, "mark", w.mark(), 1010)
		equal(t, "own cursor", w.stored(sub).Cursor == nil, true)

		w.restart()
		equal(t, "stored expression", w.stored(sub).Filter.Expression, everyThird)
		w.publish("a", "a", "a")
		pass(time.Second)
		equalList(t, "received after a restart", e.ids(), []string{"3", "9", "1011"})
	})
}

// A lane that reads the past from the store and the tail misses no event, even if its expression selects few of them.
func TestExpressionSelectsFewOfThePast(t *testing.T) {
	t.Parallel()
	for name, tailBytes := range map[string]int{"from memory": 64 << 20, "from the store": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.stop()
				w.tailBytes = tailBytes
				w.start()
				w.publishN(3000, "a")
				sub, e := w.subscribeTo("s", gateway.StartEarliest, gateway.Policy{Concurrency: 1}, gateway.Filter{Expression: `event.data.n % 700 == 0`})
				pass(time.Second)
				equalList(t, "received", e.ids(), []string{"700", "1400", "2100", "2800"})
				equal(t, "place", w.health(sub).Place, 3000)
				equal(t, "backlog", w.health(sub).Backlog, 0)
			})
		})
	}
}

func TestExpressionThatFailsIsCountedAndStopsNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribeTo("s", gateway.StartNow, gateway.Policy{Concurrency: 1}, gateway.Filter{Expression: `12 / (event.data.n - 3) > 3`})
		w.publish("a", "a", "a", "a", "a")
		pass(time.Second)
		equalList(t, "received", e.ids(), []string{"4", "5"})
		health := w.health(sub)
		equal(t, "failures", health.FilterErrors, 1)
		equal(t, "the last one", health.LastFilterError, "event 3 of type a: filter error: division by zero")
		equal(t, "place", health.Place, 5)

		// Evaluating an event again is no new failure. A subscription whose expression never compiles selects nothing and
		// reports why.
		if _, err := w.engine.Pause(w.ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.Resume(w.ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		broken, be := w.subscribeTo("broken", gateway.StartEarliest, gateway.Policy{}, gateway.Filter{Expression: `event.nothing == 1`})
		w.publish("a")
		pass(time.Second)
		equal(t, "failures", w.health(sub).FilterErrors, 1)
		equal(t, "received by the broken one", len(be.ids()), 0)
		equal(t, "its failures", w.health(broken).FilterErrors, 6)
		equal(t, "its place", w.health(broken).Place, 6)
		if last := w.health(broken).LastFilterError; !strings.Contains(last, "does not compile for untyped events: 1:7: undefined field 'nothing'") {
			t.Errorf("its last failure: %s", last)
		}
	})
}

// A changed expression applies to events that are not dispatched yet.
func TestExpressionEdit(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		sub, e := w.subscribeTo("s", gateway.StartNow, gateway.Policy{Concurrency: 1}, gateway.Filter{Types: []string{"a"}, Expression: everyThird})
		w.publish("a", "a", "a")
		pass(time.Second)
		edit := func(expression string) {
			_, _, err := w.engine.Update(w.ctx, sub.ID, 0, func(s *gateway.Subscription) error {
				s.Filter.Expression = expression
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		edit(`event.data.n % 2 == 0`)
		w.publish("a", "a", "a")
		pass(time.Second)
		edit("")
		w.publish("a")
		pass(time.Second)
		equalList(t, "received", e.ids(), []string{"3", "4", "6", "7"})
	})
}

// While the breaker is open the next event that the expression selects is the probe, however many it rejects before.
func TestProbeSkipsWhatTheExpressionRejects(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.stop()
		w.tailBytes = 1000
		w.start()
		sub, e := w.subscribeTo("s", gateway.StartNow, gateway.Policy{Concurrency: 1}, gateway.Filter{Expression: `event.data.n <= 5 || event.data.n == 3000`})
		e.set(always(endpointFailure))
		w.publishN(5, "a")
		pass(2 * time.Second)
		equal(t, "breaker", w.health(sub).Breaker, gateway.BreakerOpen)
		w.publishN(3500, "a")
		e.set(always(delivered))
		pass(24 * time.Hour)
		ids := map[string]bool{}
		for _, id := range e.ids() {
			ids[id] = true
		}
		for _, id := range []string{"1", "2", "3", "4", "5", "3000"} {
			if !ids[id] {
				t.Errorf("event %s did not arrive", id)
			}
		}
		equal(t, "events", fmt.Sprint(len(ids)), "6")
		equal(t, "place", w.health(sub).Place, 3505)
	})
}

// A list in a list for every element: quadratic, and over the budget for a long list.
const quadratic = `event.data.l.exists(x, event.data.l == [x])`

// costlyEvent has a list that is long enough for that.
func costlyEvent(w *world) {
	w.publishData("a", `{"l":[`+strings.Repeat(`"text",`, 4_000)+`"text"]}`)
}

// Slow expressions of a tenant do not block the router: its other subscriptions, and other tenants', get their events while
// these are evaluated.
func TestACostlyExpressionLeavesTheRouter(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		costly, ce := w.subscribeTo("costly", gateway.StartNow, gateway.Policy{Concurrency: 1}, gateway.Filter{Expression: quadratic})
		_, e := w.subscribeTo("plain", gateway.StartNow, gateway.Policy{Concurrency: 1}, gateway.Filter{Expression: `event.id != ""`})
		costlyEvent(w)
		w.publish("a", "a")
		pass(time.Second)
		equal(t, "received beside it", len(e.ids()), 3)
		equal(t, "received", len(ce.ids()), 0)
		health := w.health(costly)
		equal(t, "failures", health.FilterErrors > 0, true)
		equal(t, "place", health.Place, 3)
		pass(2 * time.Minute)
		w.publish("a")
		pass(time.Second)
		equal(t, "place, back at the router", w.health(costly).Place, 4)
		equal(t, "received beside it", len(e.ids()), 4)
	})
}

// A filter that exceeds its budget again and again is set aside with the reason, and stays set aside.
func TestAFilterThatIsOverItsBudgetAgainAndAgainIsSetAside(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		costly, _ := w.subscribeTo("costly", gateway.StartNow, gateway.Policy{Concurrency: 1}, gateway.Filter{Expression: quadratic})
		_, e := w.subscribeTo("plain", gateway.StartNow, gateway.Policy{}, gateway.Filter{})
		for range 120 {
			costlyEvent(w)
		}
		pass(10 * time.Second)
		look := func(when string) {
			t.Helper()
			hold := w.stored(costly).Hold
			if hold.Kind != gateway.HoldFilter || !strings.Contains(hold.Reason, "takes too long") {
				t.Errorf("%s: %+v", when, hold)
			}
			if place := w.health(costly).Place; place >= 120 {
				t.Errorf("%s: it has gone on to %d", when, place)
			}
		}
		look("then")
		equal(t, "received beside it", len(e.ids()), 120)
		w.restart()
		pass(10 * time.Second)
		look("after a restart")
		if _, _, err := w.engine.Update(w.ctx, costly.ID, 0, func(s *gateway.Subscription) error {
			s.Filter.Expression = `event.type == "b"`
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		equal(t, "hold after another filter", w.stored(costly).Hold, gateway.Hold{})
		equal(t, "place", w.health(costly).Place, 120)
	})
}
