package limit

import (
	"context"
	"sync"
	"sync/atomic"
)

// Turn lets a fixed number of callers do something at a time; the others wait.
type Turn chan struct{}

// NewTurn makes a Turn for n at a time.
func NewTurn(n int) Turn { return make(Turn, n) }

// Take waits for a turn; it returns false when ctx ends before.
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

// Give gives a turn back.
func (t Turn) Give() { <-t }

// Turns are those of every address. An address is forgotten when nobody is there.
type Turns struct {
	atOnce int

	mu sync.Mutex
	of map[string]*AddressTurn
}

// AddressTurn is that of one address.
type AddressTurn struct {
	Turn
	turns   *Turns
	address string
	waiting atomic.Int32
	// users is guarded by turns.mu.
	users int
}

// Take waits for a turn; it returns false when ctx ends before.
func (a *AddressTurn) Take(ctx context.Context) bool {
	a.waiting.Add(1)
	defer a.waiting.Add(-1)
	return a.Turn.Take(ctx)
}

// Waiting is how many wait for a turn.
func (a *AddressTurn) Waiting() int { return int(a.waiting.Load()) }

// NewTurns lets each address have n at a time.
func NewTurns(n int) *Turns { return &Turns{atOnce: n, of: map[string]*AddressTurn{}} }

// Of returns the turn of an address, for somebody who leaves it later.
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

// Leave says that somebody is done with the address.
func (a *AddressTurn) Leave() {
	a.turns.mu.Lock()
	defer a.turns.mu.Unlock()
	if a.users--; a.users == 0 {
		delete(a.turns.of, a.address)
	}
}
