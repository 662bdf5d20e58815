package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postrider-dev/postrider/server/gateway"
)

// maxRates bounds how many addresses are remembered.
const maxRates = 10_000

// Rate is how often something may be done: so often a second for long, and so often at once.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Rates bounds how often each address may do something, and all together.
type Rates struct {
	each Rate
	all  *rate.Limiter

	mu sync.Mutex
	of map[string]*rate.Limiter
}

// NewRates bounds each address and all together. Reserve does not look at the latter.
func NewRates(each, all Rate) *Rates {
	return &Rates{each: each, all: all.limiter(), of: map[string]*rate.Limiter{}}
}

func (r Rate) limiter() *rate.Limiter { return rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst) }

// Allow lets an address do it once more, or says when it may.
func (r *Rates) Allow(address string) error {
	now := time.Now()
	if wait := take(r.address(address, now), now); wait > 0 {
		return limited("this address", wait)
	}
	if wait := take(r.all, now); wait > 0 {
		return limited("this server", wait)
	}
	return nil
}

// Spend takes what something has cost, which is known only afterwards. Allow refuses until it is made up for.
func (r *Rates) Spend(address string, cost int) {
	now := time.Now()
	cost = min(cost, r.each.Burst, r.all.Burst())
	r.address(address, now).ReserveN(now, cost)
	r.all.ReserveN(now, cost)
}

// Reserve lets an address do it n times more, and returns how long it has to wait before. n is at most its burst.
func (r *Rates) Reserve(address string, n int) time.Duration {
	now := time.Now()
	return r.address(address, now).ReserveN(now, n).DelayFrom(now)
}

// take returns how long to wait; 0 when it could be taken.
func take(limiter *rate.Limiter, now time.Time) time.Duration {
	reserved := limiter.ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

func (r *Rates) address(address string, now time.Time) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter := r.of[address]
	if limiter == nil {
		if len(r.of) >= maxRates {
			r.sweep(now)
		}
		limiter = r.each.limiter()
		r.of[address] = limiter
	}
	return limiter
}

// Remembered is the number of addresses that are remembered.
func (r *Rates) Remembered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.of)
}

// sweep forgets addresses that have used nothing up, or some when all have.
func (r *Rates) sweep(now time.Time) {
	for address, limiter := range r.of {
		if limiter.TokensAt(now) >= float64(r.each.Burst) {
			delete(r.of, address)
		}
	}
	for address := range r.of {
		if len(r.of) <= maxRates/2 {
			return
		}
		delete(r.of, address)
	}
}

func limited(of string, wait time.Duration) error {
	err := gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonRateLimited,
		"too many calls of this kind came from %s", of)
	if of == "this server" {
		err.Message = "too many calls of this kind came to this server"
	}
	err.RetryAfter = max(wait, time.Second)
	return err
}
