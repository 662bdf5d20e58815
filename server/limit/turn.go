package limit

import (
	"context"
	"sync"
	"sync/atomic"
)

// Turn is a semaphore: a fixed number of callers have a turn at a time, and the others wait.
type Turn chan struct{}

// NewTurn returns a Turn for n callers at a time.
func NewTurn(n int) Turn { return make(Turn, n) }

// Take waits for a turn. It returns false if ctx ends first.
func (t Turn) Take(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
		return true
	default:
	}
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// Give returns a turn.
func (t Turn) Give() { <-t }

// Turns has a Turn for each address. An address is removed when it has no user.
type Turns struct {
	atOnce int

	mu sync.Mutex
	of map[string]*AddressTurn
}

// AddressTurn is the Turn of one address.
type AddressTurn struct {
	Turn
	turns   *Turns
	address string
	waiting atomic.Int32
	// users is guarded by turns.mu.
	users int
}

// Take waits for a turn. It returns false if ctx ends first.
func (a *AddressTurn) Take(ctx context.Context) bool {
	a.waiting.Add(1)
	defer a.waiting.Add(-1)
	return a.Turn.Take(ctx)
}

// Waiting returns the number of callers that wait for a turn.
func (a *AddressTurn) Waiting() int { return int(a.waiting.Load()) }

// NewTurns returns Turns with n callers at a time for each address.
func NewTurns(n int) *Turns { return &Turns{atOnce: n, of: map[string]*AddressTurn{}} }

// Of returns the Turn of an address. The caller calls Leave when it is done with it.
func (t *Turns) Of(address string) *AddressTurn {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.of[address]
	if one == nil {
		one = &AddressTurn{Turn: NewTurn(t.atOnce), turns: t, address: address}
		t.of[address] = one
	}
	one.users++
	return one
}

// Leave ends the use of the Turn that began with Of.
func (a *AddressTurn) Leave() {
	a.turns.mu.Lock()
	defer a.turns.mu.Unlock()
	if a.users--; a.users == 0 {
		delete(a.turns.of, a.address)
	}
}
