package limit

import (
	"fmt"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Sizes of the budgets.
const (
	// UnknownBytes is for the bodies of all callers that are not authenticated yet.
	UnknownBytes = 16 << 20
	// DefaultBytes is for the bodies and messages of all authenticated callers.
	DefaultBytes = 256 << 20
)

// Weights are the bytes of memory that each byte of a body costs until its call ends. The body of a known caller is in a buffer
// that grows by doubling, beside the message that is decoded from it and the event that is made from the message.
const (
	unknownWeight = 1
	knownWeight   = 4
)

// small is the most memory of a call that counts as small. The last part of a budget is reserved for small calls.
const small = 256 << 10

// mostExpected limits a holder's incomplete requests: calls that have begun and whose body has not arrived. They hold little
// memory, but all of them may complete at the same moment.
const mostExpected = 512

// overloadedRetry is the time after which a call that was refused for lack of memory may be retried.
const overloadedRetry = 2 * time.Second

// Holder identifies who is charged: the tenant and the key of the caller, or the address until the key is known.
type Holder struct {
	Key    string
	Tenant int64
}

// Budget is the memory that all calls in flight may hold together. The share of each holder depends on the memory that is free,
// so no holder can take the last of it: a single key gets half, a single tenant two thirds, and each gets less when there are more.
// Small calls have a larger share, so they pass while large ones are refused.
type Budget struct {
	total, weight int64

	mu      sync.Mutex
	held    int64
	keys    map[string]int64
	tenants map[int64]int64
	// paused has, by key, the time until which large calls are refused at once. One of the key's calls was refused, usually in the
	// middle of its body, and told to retry then. Earlier ones would also be refused late, after much useless work.
	paused map[string]time.Time
	// expected counts the incomplete requests by key.
	expected map[string]int
	// announced counts, by key, the outstanding bytes of bodies whose length is known. They reduce the share of that key only: an
	// announcement costs nothing, so announcing much and sending nothing must not take memory from other keys.
	announced map[string]int64
}

// NewBudget returns the budget for the bodies and messages of authenticated callers.
func NewBudget(total int64) *Budget { return newBudget(total, knownWeight) }

// NewUnknown returns the budget for the bodies of callers that are not authenticated.
func NewUnknown(total int64) *Budget { return newBudget(total, unknownWeight) }

func newBudget(total, weight int64) *Budget {
	return &Budget{
		total: total, weight: weight, keys: map[string]int64{}, tenants: map[int64]int64{},
		paused: map[string]time.Time{}, expected: map[string]int{}, announced: map[string]int64{},
	}
}

// Largest returns the size of the largest body that fits when there is no other.
func (b *Budget) Largest() int { return int((b.total/2 - callBytes) / b.weight) }

// BudgetFor returns the size of the budget for authenticated callers that is needed for a body of that size.
func BudgetFor(body int) int64 { return 2 * (knownWeight*int64(body+body/4) + callBytes) }

// Held returns the memory that all calls hold together.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// charge reserves n more bytes for a call that already holds call bytes, or returns an error. announced is the part of n for
// which the call has a reservation. Large calls without one leave room for the announced bytes of the key; small calls need not.
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

// fits reports whether a holder may have n more bytes while others bytes of the same key are outstanding. The caller holds mu.
func (b *Budget) fits(who Holder, n, others int64, large bool) bool {
	free := b.total - b.held - n - others
	key, tenant := b.keys[who.Key]+n+others, b.tenants[who.Tenant]+n+others
	keyShare, tenantShare := free, 2*free
	if !large {
		keyShare, tenantShare = 3*free, 4*free
	}
	return free >= 0 && key <= keyShare && (who.Tenant == 0 || tenant <= tenantShare)
}

// announce reserves n outstanding bytes of a call in its key's share, or refuses the call before it sends them. Without that, of
// four slow uploads all were read until the share was full, although only two fit.
//
// Nothing is charged yet. Bytes are charged when they arrive, so a call that fits now can still be refused.
func (b *Budget) announce(who Holder, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pausing(who.Key) || !b.fits(who, n, b.announced[who.Key], true) {
		return overloaded()
	}
	addTo(b.announced, who.Key, n)
	return nil
}

// forget removes the reservation of n bytes that will not arrive.
func (b *Budget) forget(who Holder, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	addTo(b.announced, who.Key, -n)
}

// pausing reports whether large calls of a key are refused at the moment.
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

// expect counts one more incomplete request of a holder, or returns an error.
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
		"the memory for pending requests is used up; try again")
	err.RetryAfter = overloadedRetry
	return err
}

// NotArrived returns the error of a call whose caller or connection already has the most incomplete requests.
func NotArrived(of string, most int) error {
	err := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded,
		"%d requests of this %s have not arrived completely; try again", most, of)
	err.RetryAfter = overloadedRetry
	return err
}

// TooLarge returns the error of a body or a message with more than most bytes.
func TooLarge(most int) error {
	err := gateway.FieldError("request", "has more than %d bytes, which is the limit here", most)
	err.Reason = gateway.ReasonTooLarge
	return err
}

// TooSlow returns the error of a body that does not arrive in time.
func TooSlow(within time.Duration) error {
	return gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonTooSlow, "%s",
		fmt.Sprintf("the request did not arrive in time: the limit is %v", within))
}
