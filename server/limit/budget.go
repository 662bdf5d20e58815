package limit

import (
	"fmt"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Sizes of the budgets (SEMANTICS 53).
const (
	// UnknownBytes is for the bodies of all callers who are not known yet.
	UnknownBytes = 16 << 20
	// DefaultBytes is for the bodies and messages of all known callers.
	DefaultBytes = 256 << 20
)

// Weights are what a byte of a body costs in memory until its call is over. Of a known caller the body lies in a buffer
// that grows by doubling, next to the message that is read from it and the event that is made of that.
const (
	unknownWeight = 1
	knownWeight   = 4
)

// small is how much a call may hold without being looked at closely: the last part of a budget is for calls that hold no
// more.
const small = 256 << 10

// mostExpected is how many requests of a holder may be waited for: calls that have begun, and whose body has not come. They hold
// little, but all of them may end in the same moment.
const mostExpected = 512

// overloadedRetry is when a call that was refused for want of memory may be tried again.
const overloadedRetry = 2 * time.Second

// Holder is who a charge counts for: a key, or an address as long as there is none, and the tenant of the key.
type Holder struct {
	Key    string
	Tenant int64
}

// Budget is the memory that all calls in flight may hold together. Each holder has a share of what is free, so that
// nobody can take the last of it: a key alone gets half, a tenant two thirds, and the more there are, the less. Calls that
// hold little get a larger share, so that they pass where the large ones are refused.
type Budget struct {
	total, weight int64

	mu      sync.Mutex
	held    int64
	keys    map[string]int64
	tenants map[int64]int64
	// paused is until when keys may begin no large call: one of theirs was refused, in the middle of its body for the most part, and
	// told to come again then. Those that come before would be refused as late, with as much work done for nothing.
	paused map[string]time.Time
	// expected counts the requests that are waited for, by key.
	expected map[string]int
	// announced is what is still to come of the bodies of a key whose lengths are known. It is set against that key alone: an
	// announcement costs nothing, so who announces much and sends nothing takes no room from anybody else.
	announced map[string]int64
}

// NewBudget makes the budget for the bodies and messages of known callers.
func NewBudget(total int64) *Budget { return newBudget(total, knownWeight) }

// NewUnknown makes the budget for the bodies of callers who are not known.
func NewUnknown(total int64) *Budget { return newBudget(total, unknownWeight) }

func newBudget(total, weight int64) *Budget {
	return &Budget{
		total: total, weight: weight, keys: map[string]int64{}, tenants: map[int64]int64{},
		paused: map[string]time.Time{}, expected: map[string]int{}, announced: map[string]int64{},
	}
}

// Largest is the number of bytes that one body can have at most, when there is no other.
func (b *Budget) Largest() int { return int((b.total/2 - callBytes) / b.weight) }

// BudgetFor is the size of the budget for known callers from which a body of that number of bytes fits.
func BudgetFor(body int) int64 { return 2 * (knownWeight*int64(body+body/4) + callBytes) }

// Held is how much all calls hold together.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// charge lets a holder have n more bytes, for a call that already holds a number of bytes, or refuses them. announced says how
// much of what the call holds then was to come: it has its place. Large calls of the key without one leave room for what is
// announced; small ones pass.
func (b *Budget) charge(who Holder, call, n, announced int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	large := call+n > small
	if large && call <= small && announced == 0 && b.pausing(who.Key) {
		return overloaded()
	}
	var others int64
	if large && announced == 0 {
		others = b.announced[who.Key]
	}
	if !b.fits(who, n, others, large) {
		if large {
			b.paused[who.Key] = time.Now().Add(overloadedRetry)
		}
		return overloaded()
	}
	b.add(who, n)
	addTo(b.announced, who.Key, -announced)
	return nil
}

// fits reports whether a holder may have n more bytes, while others are to come of the same key. It is called with mu held.
func (b *Budget) fits(who Holder, n, others int64, large bool) bool {
	free := b.total - b.held - n - others
	key, tenant := b.keys[who.Key]+n+others, b.tenants[who.Tenant]+n+others
	keyShare, tenantShare := free, 2*free
	if !large {
		keyShare, tenantShare = 3*free, 4*free
	}
	return free >= 0 && key <= keyShare && (who.Tenant == 0 || tenant <= tenantShare)
}

// announce gives n bytes that are to come of a call their place in the key's share, or refuses the call before it sends them:
// without that, four slow uploads of which two fit were all read until the share was full, and two of them for nothing.
//
// Nothing is charged: bytes are when they come, against what everybody holds then, so one that fits now can still be refused.
func (b *Budget) announce(who Holder, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pausing(who.Key) || !b.fits(who, n, b.announced[who.Key], true) {
		return overloaded()
	}
	addTo(b.announced, who.Key, n)
	return nil
}

// forget gives up the place of n bytes that do not come any more.
func (b *Budget) forget(who Holder, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	addTo(b.announced, who.Key, -n)
}

// pausing reports whether a key may begin no large call now.
func (b *Budget) pausing(key string) bool {
	until, found := b.paused[key]
	if found && !time.Now().Before(until) {
		delete(b.paused, key)
		return false
	}
	return found
}

func (b *Budget) release(who Holder, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(who, -n)
}

// expect lets a holder have one more request that is waited for, or refuses it.
func (b *Budget) expect(who Holder) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.expected[who.Key] == mostExpected {
		return NotArrived("caller", mostExpected)
	}
	addTo(b.expected, who.Key, 1)
	return nil
}

func (b *Budget) arrived(who Holder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	addTo(b.expected, who.Key, -1)
}

func (b *Budget) add(who Holder, n int64) {
	b.held += n
	addTo(b.keys, who.Key, n)
	addTo(b.tenants, who.Tenant, n)
}

func addTo[K comparable, N int | int64](sums map[K]N, key K, n N) {
	if sum := sums[key] + n; sum == 0 {
		delete(sums, key)
	} else {
		sums[key] = sum
	}
}

func overloaded() error {
	err := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded,
		"the server holds as much of requests as its memory allows; try again")
	err.RetryAfter = overloadedRetry
	return err
}

// NotArrived is the error of a call when the most others of its caller or connection already wait for their bodies.
func NotArrived(of string, most int) error {
	err := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded,
		"%d requests of this %s have begun and have not arrived; try again", most, of)
	err.RetryAfter = overloadedRetry
	return err
}

// TooLarge is the error of a body or a message with more bytes than the most there may be.
func TooLarge(most int) error {
	err := gateway.FieldError("request", "has more than %d bytes, which is the limit here", most)
	err.Reason = gateway.ReasonTooLarge
	return err
}

// TooSlow is the error of a body that does not arrive in time.
func TooSlow(within time.Duration) error {
	return gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonTooSlow, "%s",
		fmt.Sprintf("the request did not arrive in time: it is given up after %v", within))
}
