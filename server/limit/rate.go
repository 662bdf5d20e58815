package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postrider-dev/postrider/server/gateway"
)

// maxRates limits the number of addresses in memory.
const maxRates = 10_000

// Rate is a rate limit: the sustained number per second, and the number at once.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Rates limits the rate of each address, and of all addresses together.
type Rates struct {
	each Rate
	all  *rate.Limiter

	mu sync.Mutex
	of map[string]*rate.Limiter
}

// NewRates limits each address, and all addresses together. Reserve ignores the latter limit.
func NewRates(each, all Rate) *Rates {
	return &Rates{each: each, all: all.limiter(), of: map[string]*rate.Limiter{}}
}

func (r Rate) limiter() *rate.Limiter { return rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst) }

// Allow takes one token of an address, or returns an error with the time to wait.
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

// Spend takes tokens for a cost that is known only afterwards. Allow refuses until the debt is paid off.
func (r *Rates) Spend(address string, cost int) {
	now := time.Now()
	cost = min(cost, r.each.Burst, r.all.Burst())
	r.address(address, now).ReserveN(now, cost)
	r.all.ReserveN(now, cost)
}

// Reserve takes n tokens of an address, at most its burst, and returns the time to wait before they can be used.
func (r *Rates) Reserve(address string, n int) time.Duration {
	now := time.Now()
	return r.address(address, now).ReserveN(now, n).DelayFrom(now)
}

// take takes a token, or returns the time to wait and takes nothing.
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

// sweep removes the addresses with all their tokens, and then some others if too many remain.
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
