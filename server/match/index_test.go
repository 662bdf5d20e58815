package match_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/match"
	"github.com/postrider-dev/postrider/server/meter/metertest"
	"github.com/postrider-dev/postrider/server/schema"
)

// world is an index whose filters are owned by numbers. Inside synctest no time passes while expressions are evaluated, so no tenant uses
// up its time.
type world struct {
	sync.Mutex
	filters *filter.Compiler
	index   *match.Index[int]
	entries map[int]*match.Entry[int]
	left    map[int]bool
}

func newWorld() *world {
	w := &world{
		filters: filter.NewCompiler(schema.NewRegistry()), entries: map[int]*match.Entry[int]{}, left: map[int]bool{},
	}
	w.index = match.New(w, w.filters, func(owner int) bool { return w.left[owner] })
	return w
}

func (w *world) add(owner int, expression string, types ...string) {
	w.addFor(1, owner, expression, types...)
}

func (w *world) addFor(tenant gateway.TenantID, owner int, expression string, types ...string) {
	w.Lock()
	defer w.Unlock()
	f := gateway.Filter{Types: types, Expression: expression}
	w.entries[owner] = w.index.Add(tenant, f, w.filters.Expression(expression), owner)
}

func (w *world) remove(owner int) {
	w.Lock()
	defer w.Unlock()
	w.index.Remove(w.entries[owner])
	delete(w.entries, owner)
}

// find returns the owners whose patterns select an event, each once.
func (w *world) find(event *gateway.Event) (owners []int) {
	w.Lock()
	defer w.Unlock()
	for _, entry := range w.index.Find(event) {
		owners = append(owners, entry.Owner)
	}
	slices.Sort(owners)
	return slices.Compact(owners)
}

func (w *world) answer(event, owner int) match.Answer {
	w.Lock()
	defer w.Unlock()
	return w.index.Answer(event, w.entries[owner])
}

func (w *world) wantAnswers(t *testing.T, event int, want map[int]match.Result) {
	t.Helper()
	for owner, result := range want {
		if got := w.answer(event, owner); got.Result != result {
			t.Errorf("event %d, filter %d: result %d (%v), want %d", event, owner, got.Result, got.Err, result)
		}
	}
}

func event(tenant gateway.TenantID, position int, eventType, data string) *gateway.Event {
	return &gateway.Event{
		Tenant: tenant, Position: gateway.Position(position), ID: fmt.Sprint(position), Type: eventType, Data: []byte(data),
	}
}

// TestFindAgreesWithEachFilter compares the index with the patterns of every filter, while filters come and go.
func TestFindAgreesWithEachFilter(t *testing.T) {
	t.Parallel()
	w := newWorld()
	random := rand.New(rand.NewPCG(1, 2))
	name := func(segments int) string {
		parts := make([]string, 1+random.IntN(segments))
		for i := range parts {
			parts[i] = string("abc"[random.IntN(3)])
		}
		return strings.Join(parts, ".")
	}
	filters := map[int]gateway.Filter{}
	tenantOf := func(owner int) gateway.TenantID { return gateway.TenantID(owner % 2) }
	for step := range 3000 {
		if owner := random.IntN(40); filters[owner].Types != nil {
			w.remove(owner)
			delete(filters, owner)
		} else {
			types := []string{name(3), name(2) + ".*", "*"}[random.IntN(3):][:1]
			if random.IntN(2) == 0 {
				types = append(types, name(2)+".*")
			}
			filters[owner] = gateway.Filter{Types: types}
			w.addFor(tenantOf(owner), owner, "", types...)
		}
		e := event(gateway.TenantID(step%2), step+1, name(4), "{}")
		var want []int
		for owner, f := range filters {
			if tenantOf(owner) == e.Tenant && f.Match(e.Type) {
				want = append(want, owner)
			}
		}
		slices.Sort(want)
		if got := w.find(e); !slices.Equal(got, want) {
			t.Fatalf("step %d, %s: found %v, want %v", step, e.Type, got, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(1, "", "a.*")
		w.add(2, "event.data.n == 2", "a.*")
		w.add(3, "event.data.missing == 2", "*")
		w.add(4, "event.data.n > 1")
		w.left[4] = true
		events := []*gateway.Event{event(1, 1, "a.b", `{"n":1}`), event(1, 2, "a.b", `{"n":2}`)}
		if asked := w.index.Ask(events); len(asked) != 2 {
			t.Fatalf("asked about %d events", len(asked))
		}
		w.add(5, "event.data.n == 1", "a.b") // It was not there when the events were asked about.
		w.add(6, "event.data.n == 2", "a.b") // Somebody else has asked.
		w.wantAnswers(t, 0, map[int]match.Result{
			1: match.Selected, 2: match.Passed, 3: match.Passed, 4: match.Unasked, 5: match.Unasked, 6: match.Passed,
		})
		w.wantAnswers(t, 1, map[int]match.Result{1: match.Selected, 2: match.Selected, 5: match.Unasked, 6: match.Selected})
		if failed, passed := w.answer(0, 3), w.answer(0, 2); failed.Err == nil || passed.Err != nil {
			t.Errorf("failed: %v, passed: %v", failed.Err, passed.Err)
		}
		w.index.Done()
		w.wantAnswers(t, 1, map[int]match.Result{1: match.Selected, 2: match.Unasked})
	})
}

// Where filters have expressions, few events are asked about at once: what is added meanwhile has to wait.
func TestEventsAreAskedAboutInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var events []*gateway.Event
		for i := range 200 {
			events = append(events, event(1, i+1, "a", fmt.Sprintf(`{"n":%d}`, i)))
		}
		if asked := w.index.Ask(events); len(asked) != len(events) {
			t.Errorf("without expressions: %d events", len(asked))
		}
		w.add(1, "event.data.n % 2 == 0")
		done := 0
		for done < len(events) {
			asked := w.index.Ask(events[done:])
			if len(asked) == 0 || len(asked) > 64 {
				t.Fatalf("asked about %d events", len(asked))
			}
			for i := range asked {
				want := match.Selected
				if (done+i)%2 == 1 {
					want = match.Passed
				}
				w.wantAnswers(t, i, map[int]match.Result{1: want})
			}
			done += len(asked)
		}
		w.remove(1)
		if asked := w.index.Ask(events); len(asked) != len(events) {
			t.Errorf("without expressions again: %d events", len(asked))
		}
	})
}

// A slow expression is evaluated once in a batch. The tenant's other expressions and those of other tenants still have their results.
func TestSlowExpressionsAreLeftToTheirOwners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		payload := string(metertest.Payload())
		slow := ""
		for _, row := range metertest.Expressions() {
			if slow == "" && row.Filter != "" {
				slow = row.Filter
			}
		}
		w.add(1, slow, "large")
		w.addFor(2, 2, `event.id != ""`)
		events := []*gateway.Event{event(1, 1, "large", payload), event(2, 2, "small", `{}`), event(1, 3, "large", payload)}
		w.index.Ask(events)
		w.wantAnswers(t, 0, map[int]match.Result{1: match.Slow})
		w.wantAnswers(t, 1, map[int]match.Result{2: match.Selected})
		w.wantAnswers(t, 2, map[int]match.Result{1: match.Slow})
		w.index.Done()
	})
}

// A tenant with many expressions has used up its time before all of them are asked; other tenants have theirs.
func TestTheTimeOfATenantIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld()
	payload := string(metertest.Payload())
	const filters = 200
	for i := range filters {
		w.add(i, fmt.Sprintf(`event.data.t == "%d"`, i))
	}
	w.addFor(2, filters, `event.id != ""`)
	began := time.Now()
	w.index.Ask([]*gateway.Event{event(1, 1, "a", payload), event(2, 2, "a", `{}`)})
	took := time.Since(began)
	spent := 0
	for i := range filters {
		if w.answer(0, i).Result == match.Spent {
			spent++
		}
	}
	if spent == 0 {
		t.Errorf("all expressions of the tenant were asked, in %v", took)
	}
	w.wantAnswers(t, 1, map[int]match.Result{filters: match.Selected})
	w.index.Done()
	w.index.Ask([]*gateway.Event{event(1, 3, "a", `{}`)})
	w.wantAnswers(t, 0, map[int]match.Result{0: match.Passed})
}
