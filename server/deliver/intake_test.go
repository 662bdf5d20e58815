package deliver

import (
	"math/rand/v2"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

// reader drives an intake like the lane and the router, over a log in which every event is selected.
type reader struct {
	t             *testing.T
	in            intake
	head, reached gateway.Position
	popped        gateway.Position
}

func (r *reader) publish(doubtful bool) {
	r.head++
	if r.in.fed {
		r.in.push([]*outgoing{eventAt(r.head)}, doubtful)
	}
	r.reached = r.head
}

// read reads a page of the log, or lets the router feed the lane once it has caught up.
func (r *reader) read(limit int, doubtful bool) {
	switch limit = min(limit, r.in.room(doubtful)); {
	case r.in.fed || limit == 0:
	case r.in.scan >= r.reached:
		r.in.fed = true
	default:
		var events []*gateway.Event
		scanned := min(r.in.scan+gateway.Position(limit), r.head)
		for p := r.in.scan + 1; p <= scanned; p++ {
			events = append(events, eventAt(p).Event)
		}
		r.in.accept(events, scanned)
	}
}

// pop dispatches the next event, which must be the first one after the last that has no row yet.
func (r *reader) pop() {
	if r.in.queue.len() == 0 {
		return
	}
	want := r.popped + 1
	for isSettled(want) {
		want++
	}
	if r.popped = r.in.queue.pop().Position; r.popped != want {
		r.t.Fatalf("dispatched %d, want %d", r.popped, want)
	}
}

// check compares the positions that the intake reports with what was dispatched.
func (r *reader) check() {
	place, lowest := r.in.place(r.reached), r.in.lowest()
	for p := r.popped + 1; p <= place; p++ {
		if !isSettled(p) {
			r.t.Fatalf("the place is %d, but %d is not dispatched", place, p)
		}
	}
	for p := r.popped + 1; p <= r.reached && int64(p) < lowest; p++ {
		if !isSettled(p) {
			r.t.Fatalf("the mark may pass %d, which is not dispatched (lowest %d)", p, lowest)
		}
	}
}

func eventAt(p gateway.Position) *outgoing { return &outgoing{Event: &gateway.Event{Position: p}} }

func isSettled(p gateway.Position) bool { return p < 40 && p%7 == 0 }

// Whatever the order of pages, pushes, stops and dispatches, every event is dispatched once, in order, and no place covers one that is not.
func TestIntakeDispatchesEveryEventOnceInOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		r := &reader{t: t}
		var settled []gateway.Position
		for p := gateway.Position(1); p < 40; p++ {
			if isSettled(p) {
				settled = append(settled, p)
			}
		}
		r.in.setSettled(settled)
		for range 600 {
			doubtful := random.IntN(2) == 0
			switch random.IntN(9) {
			case 0, 1, 2:
				r.publish(doubtful)
			case 3, 4:
				r.read(1+random.IntN(20), doubtful)
			case 5:
				if random.IntN(4) == 0 {
					r.in.stop(r.reached)
				}
			default:
				r.pop()
			}
			r.check()
		}
		for r.popped < r.head && (r.popped < 40 || r.in.queue.len() > 0 || r.in.scan < r.head) {
			r.read(20, false)
			r.pop()
			r.check()
			if r.in.fed && r.in.queue.len() == 0 {
				break
			}
		}
		for p := r.popped + 1; p <= r.head; p++ {
			if !isSettled(p) {
				t.Fatalf("seed %d: %d was never dispatched", seed, p)
			}
		}
	}
}

func TestALaneInDoubtKeepsFewEvents(t *testing.T) {
	t.Parallel()
	in := intake{fed: true}
	for p := gateway.Position(1); in.fed; p++ {
		in.push([]*outgoing{eventAt(p)}, true)
	}
	if in.queue.len() != doubtfulEvents || in.scan != doubtfulEvents || in.runsLow(true) {
		t.Errorf("%d events up to %d", in.queue.len(), in.scan)
	}
	if in.stop(20); in.queue.len() != 0 || in.scan != 0 || !in.runsLow(true) {
		t.Errorf("after a stop: %d events, scan %d", in.queue.len(), in.scan)
	}
}
