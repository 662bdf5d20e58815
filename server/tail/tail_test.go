package tail_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/tail"
)

// group returns the events at the positions from from to to, each of about size bytes.
func group(from, to gateway.Position, size int) (events []*gateway.Event) {
	for p := from; p <= to; p++ {
		e := &gateway.Event{Position: p, ID: fmt.Sprint(p)}
		e.Data = make([]byte, max(0, size-e.Held()))
		events = append(events, e)
	}
	return events
}

func positions(events []*gateway.Event) (list []gateway.Position) {
	for _, e := range events {
		list = append(list, e.Position)
	}
	return list
}

func TestAfter(t *testing.T) {
	t.Parallel()
	const head, size = 10, 1000
	tests := []struct {
		name  string
		after gateway.Position
		max   int
		want  string
		ok    bool
	}{
		{"the head", 20, 5, "[]", true},
		{"past the head", 25, 5, "[]", true},
		{"the newest", 19, 5, "[20]", true},
		{"bounded", 12, 3, "[13 14 15]", true},
		{"all that is kept", 12, 100, "[13 14 15 16 17 18 19 20]", true},
		{"forgotten", 11, 5, "[]", false},
		{"before the tail began", 3, 5, "[]", false},
	}
	// The tail has room for eight events and forgets the first two.
	kept := tail.New(head, 8*size)
	kept.Append(group(11, 14, size))
	kept.Append(group(15, 20, size))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			events, ok := kept.After(test.after, test.max)
			if got := fmt.Sprint(positions(events)); got != test.want || ok != test.ok {
				t.Errorf("got %s %v, want %s %v", got, ok, test.want, test.ok)
			}
		})
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	fresh := tail.New(7, tail.DefaultBytes)
	if fresh.Head() != 7 {
		t.Errorf("head = %d, want 7", fresh.Head())
	}
	if events, ok := fresh.After(7, 10); len(events) > 0 || !ok {
		t.Errorf("after the head: %v %v, want none, true", positions(events), ok)
	}
	if _, ok := fresh.After(6, 10); ok {
		t.Error("an event from before the tail began is said to be kept")
	}
	fresh.Append(nil)
	if fresh.Head() != 7 {
		t.Errorf("head = %d after an empty group, want 7", fresh.Head())
	}
}

// TestNewestIsKept appends an event larger than the bound: the head must stay readable.
func TestNewestIsKept(t *testing.T) {
	t.Parallel()
	small := tail.New(0, 1000)
	small.Append(group(1, 3, 5000))
	if events, ok := small.After(2, 10); !ok || len(events) != 1 {
		t.Errorf("the newest: %v %v", positions(events), ok)
	}
	if _, ok := small.After(1, 10); ok {
		t.Error("more is kept than there is room for")
	}
}

// TestSliceStays keeps a slice that After returned while the tail forgets and grows.
func TestSliceStays(t *testing.T) {
	t.Parallel()
	moving := tail.New(0, 10_000)
	moving.Append(group(1, 8, 1000))
	held, _ := moving.After(2, 4)
	for p := gateway.Position(9); p < 200; p += 3 {
		moving.Append(group(p, p+2, 1000))
	}
	if got := fmt.Sprint(positions(held)); got != "[3 4 5 6]" {
		t.Errorf("held %s, want [3 4 5 6]", got)
	}
	if cap(held) != len(held) {
		t.Error("an append to what was answered would write into the tail")
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	waited := tail.New(5, 10_000)
	closed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	if !closed(waited.Wait(4)) {
		t.Error("waits for what is there")
	}
	atHead, alsoAtHead := waited.Wait(5), waited.Wait(5)
	if closed(atHead) {
		t.Error("does not wait at the head")
	}
	waited.Append(group(6, 6, 10))
	if !closed(atHead) || !closed(alsoAtHead) {
		t.Error("still waits after an event")
	}
	if closed(waited.Wait(6)) || !closed(waited.Wait(5)) {
		t.Error("the next wait is not for the next event")
	}
}

// TestReaders lets readers follow a growing tail. Each sees every event once and in order, wherever it began, and reads a
// complete log when it is too slow.
func TestReaders(t *testing.T) {
	t.Parallel()
	const last, size = 3000, 200
	log := group(1, last, size)
	growing := tail.New(0, 100*size)
	var wg sync.WaitGroup
	for reader := range 8 {
		wg.Go(func() {
			for after := gateway.Position(reader); after < last; {
				events, ok := growing.After(after, 1+reader*20)
				switch {
				case !ok:
					events = log[after : after+1]
				case len(events) == 0:
					<-growing.Wait(after)
				}
				for _, e := range events {
					if e.Position != after+1 {
						t.Errorf("reader %d got %d after %d", reader, e.Position, after)
						return
					}
					after++
				}
			}
		})
	}
	for from := 0; from < last; {
		to := min(last, from+1+rand.IntN(40))
		growing.Append(log[from:to])
		from = to
	}
	wg.Wait()
}
