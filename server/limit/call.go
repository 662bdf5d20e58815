package limit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// UnknownBody is the most that a body of an unknown caller may have, after decompression.
const UnknownBody = 64 << 10

// SmallBody is the most that a body may have which is small by nature: of a health check, a reflection or a sign-in.
const SmallBody = 8 << 10

// What a call costs whatever it sends: its goroutine, its buffers and its headers. Connections have their own share of the
// memory, and with HTTP/1.1 that of a call lies in it for the most part.
const (
	callBytes  = 4 << 10
	shareBytes = 16 << 10
)

// Call is what one request holds from its first byte until its handler is done. It begins as that of an unknown caller;
// Admit makes it a known one's.
type Call struct {
	mu     sync.Mutex
	budget *Budget
	holder Holder
	most   int
	known  bool
	held   int64
	// announced is how much is still to come of the body or message under way, where that is known and much.
	announced int64
	// expected says that the body is waited for, and expectedOf counts such calls of the connection; nil for no count.
	expected   bool
	expectedOf *atomic.Int32
	// over says that the call has ended: what still runs of it, such as a goroutine that receives, is refused.
	over bool
	// admitted is called once the caller is known, or a body is waited for.
	admitted func()
}

// Begin charges a call to an address. shared says that it is one of many on its connection.
func (b *Budget) Begin(address string, shared bool) (*Call, error) {
	c := &Call{budget: b, holder: Holder{Key: address}, most: UnknownBody}
	if shared {
		return c, c.hold(shareBytes)
	}
	return c, c.hold(callBytes)
}

// OnAdmitted has f called when the call is no longer one of those that nobody knows anything of. It is called before anybody
// else knows the call.
func (c *Call) OnAdmitted(f func()) { c.admitted = f }

// Admit moves the call to the budget of a known caller, whose messages may have most bytes.
func (c *Call) Admit(budget *Budget, holder Holder, most int) error {
	c.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := budget.charge(holder, 0, c.held, 0); err != nil {
		return err
	}
	c.budget.release(c.holder, c.held)
	c.arrived()
	c.budget, c.holder, c.most, c.known = budget, holder, min(most, budget.Largest()), true
	return nil
}

// Wait says that the call may have to wait for its client from now on.
func (c *Call) Wait() {
	c.mu.Lock()
	admitted := c.admitted
	c.admitted = nil
	c.mu.Unlock()
	if admitted != nil {
		admitted()
	}
}

// CountExpected has the call counted while its body is waited for. It is called before anybody else knows the call.
func (c *Call) CountExpected(of *atomic.Int32) { c.expectedOf = of }

// Expect says that the call waits for its body until Arrived, Settle or End. It is refused where too many of its caller do.
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

// Announce says that a body, or a message of one, of n bytes comes. It is refused at once where that does not fit beside what its
// caller has sent and announced. Small ones need no place, nor do those of unknown callers.
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

// forget gives up the place of what was announced and did not come. It is called with mu held.
func (c *Call) forget() {
	if c.announced > 0 {
		c.budget.forget(c.holder, c.announced)
		c.announced = 0
	}
}

// Arrived says that the body is there, or that no more of it comes.
func (c *Call) Arrived() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived()
}

// arrived is called with mu held.
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

// Confine bounds the messages of the call to a number of bytes.
func (c *Call) Confine(most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = min(c.most, most)
}

// Most is the number of bytes that a message may have, and whether the caller is known.
func (c *Call) Most() (bytes int, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most, c.known
}

// Key is who the call counts for: a key, or an address as long as there is none.
func (c *Call) Key() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holder.Key
}

// Charge lets the call hold n more bytes of a body, or refuses them.
func (c *Call) Charge(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hold(int64(n) * c.budget.weight)
}

// Release gives n bytes of a body back.
func (c *Call) Release(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(int64(n) * c.budget.weight)
}

// Settle gives back all that the call holds. It may go on, and be charged again.
func (c *Call) Settle() {
	c.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived()
	c.drop(c.held)
}

// End gives back all that the call holds, for good.
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

// hold is called with mu held, or before anybody else knows the call.
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

// unbounded is more than anybody has.
const unbounded = 1 << 50

type callKey struct{}

// With puts a call into a context.
func With(ctx context.Context, c *Call) context.Context { return context.WithValue(ctx, callKey{}, c) }

// CallOf returns the call of a context. Where there is none, for there is no HTTP request, what it does bounds nothing.
func CallOf(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{budget: newBudget(unbounded, 1), most: unbounded}
}
