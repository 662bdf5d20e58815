package e2e_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// ledger is what one endpoint has seen: for each event, in which lives of the server it was taken.
type ledger struct {
	mu sync.Mutex
	// life counts the kills so far.
	life    int
	taken   map[string][]int
	refused int
	// first is when the first request of the current life came.
	first time.Time
	// mismatch is the first request whose body is not of the event its header names.
	mismatch string
}

func newLedger() *ledger { return &ledger{taken: map[string][]int{}} }

// arrive notes one verified request and whether it was answered with a success.
func (l *ledger) arrive(id string, body []byte, taken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first.IsZero() {
		l.first = time.Now()
	}
	if !sameID(id, body) && l.mismatch == "" {
		l.mismatch = fmt.Sprintf("%s: %s", id, body)
	}
	if !taken {
		l.refused++
		return
	}
	l.taken[id] = append(l.taken[id], l.life)
}

func sameID(id string, body []byte) bool {
	var document struct {
		ID string `json:"id"`
	}
	return json.Unmarshal(body, &document) == nil && document.ID == id
}

// nextLife begins the next life. Nothing of the one before may be under way.
func (l *ledger) nextLife() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.life++
	l.first = time.Time{}
}

// firstArrival is when the first request of the current life came; zero when none has.
func (l *ledger) firstArrival() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}

// missing counts those events that never came.
func (l *ledger) missing(ids []string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if len(l.taken[id]) == 0 {
			n++
		}
	}
	return n
}

// size is how many events came, and how many requests were answered with a failure.
func (l *ledger) size() (events, refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.taken), l.refused
}

// duplicates counts the events that came again although they had been taken: for each kill those of the life it ended,
// and those without a kill between, for which there is no excuse.
func (l *ledger) duplicates() (perKill map[int]int, unexcused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	perKill = map[int]int{}
	for _, lives := range l.taken {
		for i := 1; i < len(lives); i++ {
			if lives[i] == lives[i-1] {
				unexcused++
			} else {
				perKill[lives[i-1]]++
			}
		}
	}
	return perKill, unexcused
}
