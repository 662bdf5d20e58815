package deliver

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAlarmCallsAtTheEarliestTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lane sync.Mutex // It guards a lane's alarm.
		var a alarm
		began := time.Now()
		var calls []time.Duration
		call := func() {
			lane.Lock()
			defer lane.Unlock()
			a.rang()
			calls = append(calls, time.Since(began))
		}
		setAt := func(at time.Time) {
			lane.Lock()
			defer lane.Unlock()
			a.set(at, time.Now(), call)
		}
		set := func(in time.Duration) { setAt(began.Add(in)) }
		set(time.Hour)
		set(time.Minute)
		set(30 * time.Minute) // Later than the one that is set.
		setAt(time.Time{})
		<-time.After(2 * time.Hour)
		set(time.Hour) // It is past: at once.
		<-time.After(time.Second)
		set(3 * time.Hour)
		lane.Lock()
		a.stop()
		lane.Unlock()
		<-time.After(24 * time.Hour)
		lane.Lock()
		defer lane.Unlock()
		if len(calls) != 2 || calls[0] != time.Minute || calls[1] != 2*time.Hour {
			t.Errorf("called at %v", calls)
		}
	})
}

func TestInFlightRowsAreHeldUntilTheirLastChangeIsCommitted(t *testing.T) {
	t.Parallel()
	f := newInFlight()
	a := &attempt{}
	a.delivery.Position = 1
	key, other := keyOf(&a.delivery), rowKey{position: 2}
	f.begin(a)
	f.claim(other)
	f.claim(other)
	if f.slots != 1 || f.rows() != 2 || f.waiting() != 1 || !f.has(key) || !f.has(other) {
		t.Errorf("%+v", f)
	}
	a.ended = true
	f.release(other)
	if f.waiting() != 0 || !f.has(other) {
		t.Errorf("after one release: %+v", f)
	}
	f.end(key)
	f.release(other)
	if f.slots != 0 || f.rows() != 0 || f.has(key) || f.has(other) {
		t.Errorf("at the end: %+v", f)
	}
}

func TestProgressStoresACursorWithEveryFewResults(t *testing.T) {
	t.Parallel()
	var p progress
	first := p.window.add(1)
	for n := 1; n < cursorEvery; n++ {
		if p.resulted() {
			t.Fatalf("stored after %d results", n)
		}
	}
	if !p.resulted() {
		t.Error("not stored")
	}
	p.stored(1)
	if p.resulted() {
		t.Error("stored again at once")
	}
	p.window.resolve(first)
	if !p.resulted() {
		t.Error("not stored although no attempt is under way")
	}
}
