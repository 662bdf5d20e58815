package limit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// UnknownBody is the maximum size of a body of an unauthenticated caller, after decompression.
const UnknownBody = 64 << 10

// SmallBody is the maximum size of bodies that are always small: health checks, reflection and sign-ins.
const SmallBody = 8 << 10

// The cost of a call regardless of its body: its goroutine, its buffers and its headers. Connections have their own share of the
// memory, which includes most of this for HTTP/1.1.
const (
	callBytes  = 4 << 10
	shareBytes = 16 << 10
)

// Call is the memory that one request holds from its first byte until its handler returns. It begins in the budget for unknown
// callers; Admit moves it to that of an authenticated one.
type Call struct {
	mu     sync.Mutex
	budget *Budget
	holder Holder
	most   int
	known  bool
	held   int64
	// announced is the outstanding part of the current body or message, if its size is known and large.
	announced int64
	// expected means that the body is incomplete. expectedOf counts such calls of the connection; nil for no count.
	expected   bool
	expectedOf *atomic.Int32
	// over means that the call has ended. Charges of goroutines that are still running, such as a receiver, are refused.
	over bool
	// admitted is called once, when the caller is authenticated or the call waits for a body.
	admitted func()
}

// Begin charges a call to an address. shared means that its connection can have many calls.
func (b *Budget) Begin(address string, shared bool) (*Call, error) {
	c := &Call{budget: b, holder: Holder{Key: address}, most: UnknownBody}
	if shared {
		return c, c.hold(shareBytes)
	}
	return c, c.hold(callBytes)
}

// OnAdmitted sets a function that is called once, when the caller is authenticated or the call waits for its client. Set it before the
// call is shared.
func (c *Call) OnAdmitted(f func()) { c.admitted = f }

// Admit moves the call to the budget of an authenticated caller, whose messages may have most bytes. It may be repeated: an edge calls
// several methods for one request.
func (c *Call) Admit(budget *Budget, holder Holder, most int) error {
	c.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.budget != budget || c.holder != holder {
		if err := budget.charge(holder, 0, c.held, 0); err != nil {
			return err
		}
		c.budget.release(c.holder, c.held)
	}
	c.arrived()
	c.budget, c.holder, c.most, c.known = budget, holder, min(most, budget.Largest()), true
	return nil
}

// Wait records that the call may wait for its client from now on.
func (c *Call) Wait() {
	c.mu.Lock()
	admitted := c.admitted
	c.admitted = nil
	c.mu.Unlock()
	if admitted != nil {
		admitted()
	}
}

// CountExpected sets a counter that includes the call while its body is incomplete. Set it before the call is shared.
func (c *Call) CountExpected(of *atomic.Int32) { c.expectedOf = of }

// Expect records that the call waits for its body until Arrived, Settle or End. It returns an error if too many calls of its caller
// do.
func (c *Call) Expect() error {
	c.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return ErrOver
	}
	if c.expected {
		return nil
	}
	if err := c.budget.expect(c.holder); err != nil {
		return err
	}
	c.expected = true
	if c.expectedOf != nil {
		c.expectedOf.Add(1)
	}
	return nil
}

// Announce reserves memory for a body or message of n bytes before it arrives. It returns an error if that does not fit beside the
// bytes that the caller has sent and announced. Small messages, and unknown callers, need no reservation.
func (c *Call) Announce(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := int64(n) * c.budget.weight
	if !c.known || c.over || c.held+size <= small {
		return nil
	}
	c.forget()
	if err := c.budget.announce(c.holder, size); err != nil {
		return err
	}
	c.announced = size
	return nil
}

// forget removes the reservation of bytes that were announced and did not arrive. The caller holds mu.
func (c *Call) forget() {
	if c.announced > 0 {
		c.budget.forget(c.holder, c.announced)
		c.announced = 0
	}
}

// Arrived records that the body is complete, or that no more of it will arrive.
func (c *Call) Arrived() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived()
}

// arrived is Arrived for callers that hold mu.
func (c *Call) arrived() {
	c.forget()
	if c.expected {
		c.expected = false
		c.budget.arrived(c.holder)
		if c.expectedOf != nil {
			c.expectedOf.Add(-1)
		}
	}
}

// Confine limits the messages of the call to a number of bytes.
func (c *Call) Confine(most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = min(c.most, most)
}

// Most returns the size limit of a message, and whether the caller is authenticated.
func (c *Call) Most() (bytes int, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most, c.known
}

// Key returns the key that is charged, or the address until the key is known.
func (c *Call) Key() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holder.Key
}

// Charge charges the call for n more bytes of a body, or returns an error.
func (c *Call) Charge(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hold(int64(n) * c.budget.weight)
}

// Release releases n bytes of a body.
func (c *Call) Release(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(int64(n) * c.budget.weight)
}

// Settle releases everything that the call holds. The call may continue and be charged again.
func (c *Call) Settle() {
	c.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived()
	c.drop(c.held)
}

// End releases everything that the call holds. Later charges return ErrOver.
func (c *Call) End() {
	c.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived()
	c.drop(c.held)
	c.over = true
}

// ErrOver is the error of a charge to a call that has ended.
var ErrOver = errors.New("the call is over")

// hold charges n bytes. The caller holds mu, or the call is not shared yet.
func (c *Call) hold(n int64) error {
	if c.over {
		return ErrOver
	}
	announced := min(n, c.announced)
	if err := c.budget.charge(c.holder, c.held, n, announced); err != nil {
		return err
	}
	c.held += n
	c.announced -= announced
	return nil
}

func (c *Call) drop(n int64) {
	n = min(n, c.held)
	c.budget.release(c.holder, n)
	c.held -= n
}

// unbounded is larger than any memory.
const unbounded = 1 << 50

type callKey struct{}

// With returns a context with the call.
func With(ctx context.Context, c *Call) context.Context { return context.WithValue(ctx, callKey{}, c) }

// CallOf returns the call of a context. If there is none, because there is no HTTP request, it returns a call without limits.
func CallOf(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{budget: newBudget(unbounded, 1), most: unbounded}
}
