package limit

import (
	"context"
	"sync"
	"sync/atomic"
)

// Semaphore bounds the number of callers that run at a time; the others wait.
type Semaphore chan struct{}

// NewSemaphore returns a Semaphore for n callers at a time.
func NewSemaphore(n int) Semaphore { return make(Semaphore, n) }

// Acquire waits until the caller may run. It returns false if ctx ends first.
func (s Semaphore) Acquire(ctx context.Context) bool {
	select {
	case s <- struct{}{}:
		return true
	default:
	}
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// Release lets the next caller run.
func (s Semaphore) Release() { <-s }

// Semaphores holds a Semaphore for each key, such as an address. A key is removed when it has no user.
type Semaphores struct {
	size int

	mu sync.Mutex
	of map[string]*KeySemaphore
}

// KeySemaphore is the Semaphore of one key.
type KeySemaphore struct {
	Semaphore
	all     *Semaphores
	key     string
	waiting atomic.Int32
	// users is guarded by all.mu.
	users int
}

// Acquire waits until the caller may run. It returns false if ctx ends first.
func (k *KeySemaphore) Acquire(ctx context.Context) bool {
	k.waiting.Add(1)
	defer k.waiting.Add(-1)
	return k.Semaphore.Acquire(ctx)
}

// Waiting returns the number of callers that wait.
func (k *KeySemaphore) Waiting() int { return int(k.waiting.Load()) }

// NewSemaphores returns Semaphores for n callers of each key at a time.
func NewSemaphores(n int) *Semaphores { return &Semaphores{size: n, of: map[string]*KeySemaphore{}} }

// Of returns the Semaphore of a key. The caller calls Leave when it no longer uses it.
func (s *Semaphores) Of(key string) *KeySemaphore {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.of[key]
	if one == nil {
		one = &KeySemaphore{Semaphore: NewSemaphore(s.size), all: s, key: key}
		s.of[key] = one
	}
	one.users++
	return one
}

// Leave ends the use that began with Of.
func (k *KeySemaphore) Leave() {
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(k.all.of, k.key)
	}
}
