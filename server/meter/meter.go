package meter

import (
	"fmt"
	"time"

	"cel.dev/cel-go/interpreter"
)

// Limit is the budget for one event. A unit is about 50 ns: a step of an expression, or textUnit bytes looked at or made.
// All of it takes about 10 ms and at most some megabytes.
const Limit = 200_000

// Quick is what an evaluation may use without waiting for a turn: less than a millisecond.
const Quick = 10_000

const (
	// maxTime ends what takes a hundred times longer than its price says. The budget is not this time: an event would be
	// lost to a filter because the machine was busy. It is looked at with every Quick units, which an ordinary
	// expression never uses.
	maxTime = time.Second
	// spareLimit is for an evaluation without a meter: constants, when a program is made.
	spareLimit = 20_000
)

// Meter is the budget of one event. It must not be used concurrently.
type Meter struct {
	limit, used uint64
	// look is beyond which use the time is looked at, deadline what it is held against.
	look     uint64
	deadline time.Time
	// size is that of the payload, as soon as it is known: sizeOf finds it out. open reports that reading a field may mean to
	// read all of it.
	size   uint64
	sizeOf func() int
	open   bool
	// perByte is what the budget grows by for each byte of the payload.
	perByte uint64
	over    *ExceededError
	// Costly is called once, when more than Quick is used: the place to wait for a turn.
	Costly func()
}

// New makes a meter for an event with a payload of size bytes. open reports that the payload has fields that are decoded
// each time they are read.
func New(size int, open bool) *Meter {
	return &Meter{limit: Limit, look: Quick, size: uint64(size), open: open}
}

// Reset makes the meter as New does.
func (m *Meter) Reset(size int, open bool) {
	*m = Meter{limit: Limit, look: Quick, size: uint64(size), open: open}
}

// GrowWith makes the budget grow with the payload, by units for each of its bytes. The size is found out when it is needed.
func (m *Meter) GrowWith(size func() int, perByte uint64) { m.sizeOf, m.perByte = size, perByte }

func (m *Meter) payload() uint64 {
	if m.size == 0 && m.sizeOf != nil {
		m.size = uint64(m.sizeOf())
	}
	return m.size
}

// ExceededError says that an expression went over the budget.
type ExceededError struct{ reason string }

func (e *ExceededError) Error() string { return e.reason }

// Within lowers the budget.
func (m *Meter) Within(limit uint64) { m.limit = min(m.limit, limit) }

// Used is what was charged so far.
func (m *Meter) Used() uint64 { return m.used }

// Exceeded is the error once the budget is used up, else nil.
func (m *Meter) Exceeded() error {
	if m.over == nil {
		return nil
	}
	return m.over
}

// left is the rest of the budget.
func (m *Meter) left() uint64 { return m.limit - min(m.used, m.limit) }

// Charge takes units from the budget. When there are not enough it ends the evaluation under way with a panic, which
// cel.Program turns into an error: errors of CEL's own may be swallowed by an expression.
func (m *Meter) Charge(units uint64) {
	if units > m.left() {
		m.grow()
	}
	if units > m.left() {
		m.used = m.limit
		m.end(&ExceededError{fmt.Sprintf("takes too long on this event or makes too much of it (a cost of more than %d)", m.limit)})
	}
	if m.used += units; m.used > m.look {
		m.checkTime()
	}
}

// grow adds what the size of the payload allows, once.
func (m *Meter) grow() {
	m.limit += m.perByte * m.payload()
	m.perByte = 0
}

func (m *Meter) checkTime() {
	m.look = m.used + Quick
	if m.deadline.IsZero() {
		if m.Costly != nil {
			m.Costly()
		}
		m.deadline = time.Now().Add(maxTime)
		return
	}
	if time.Now().After(m.deadline) {
		m.end(&ExceededError{fmt.Sprintf("takes too long on this event (more than %v)", maxTime)})
	}
}

func (m *Meter) end(with *ExceededError) {
	m.over = with
	panic(interpreter.EvalCancelledError{Cause: interpreter.CostLimitExceeded, Message: with.reason})
}

// hash is the price of finding a text in a map: it may be as long as the payload or as what was made of it.
func (m *Meter) hash() uint64 { return (m.payload() + m.used) / hashUnit }

// read is the price of reading a field where that decodes the payload.
func (m *Meter) read() uint64 {
	if m.open {
		return m.payload() / textUnit
	}
	return 0
}

// Weight is what one pass of an expression takes whatever the data: its parts, and those among them that find an entry by
// its key or read a field.
type Weight struct{ Parts, Keys, Fields uint64 }

// Pass charges one pass.
func (m *Meter) Pass(w Weight) {
	units := w.Parts
	if w.Keys > 0 {
		units += w.Keys * m.hash()
	}
	if m.open {
		units += w.Fields * m.read()
	}
	m.Charge(units)
}
