package meter

import (
	"fmt"
	"time"

	"cel.dev/cel-go/interpreter"
)

// Limit is the budget for one event. A unit takes about 50 ns: a step of an expression, or textUnit bytes read or produced.
// The whole budget takes about 10 ms and at most a few megabytes.
const Limit = 200_000

// Quick is the budget that an evaluation may use without waiting for a turn: less than a millisecond.
const Quick = 10_000

const (
	// maxTime ends an evaluation that takes a hundred times longer than its price. It is only a fallback: if time were the
	// budget, a filter could miss an event because the machine was busy. The time is checked every Quick units, which an
	// ordinary expression never uses.
	maxTime = time.Second
	// spareLimit is the budget of an evaluation without a Meter: constants when a program is created.
	spareLimit = 20_000
)

// Meter is the budget of one event. It must not be used concurrently.
type Meter struct {
	limit, used uint64
	// look is the use at which the time is checked next against deadline.
	look     uint64
	deadline time.Time
	// size is the size of the payload; 0 until sizeOf was called. open means that reading a field may decode the whole
	// payload.
	size   uint64
	sizeOf func() int
	open   bool
	// perByte is the growth of the budget per byte of the payload.
	perByte uint64
	over    *ExceededError
	// Costly is called once, when more than Quick is used. It can wait for a turn.
	Costly func()
}

// New returns a Meter for an event with a payload of size bytes. open means that the payload has fields that are decoded each
// time they are read.
func New(size int, open bool) *Meter {
	return &Meter{limit: Limit, look: Quick, size: uint64(size), open: open}
}

// Reset resets the Meter to the state after New.
func (m *Meter) Reset(size int, open bool) {
	*m = Meter{limit: Limit, look: Quick, size: uint64(size), open: open}
}

// GrowWith lets the budget grow by perByte units for each byte of the payload. size is called when the growth is needed.
func (m *Meter) GrowWith(size func() int, perByte uint64) { m.sizeOf, m.perByte = size, perByte }

func (m *Meter) payload() uint64 {
	if m.size == 0 && m.sizeOf != nil {
		m.size = uint64(m.sizeOf())
	}
	return m.size
}

// ExceededError means that an expression exceeded its budget.
type ExceededError struct{ reason string }

func (e *ExceededError) Error() string { return e.reason }

// Within lowers the budget.
func (m *Meter) Within(limit uint64) { m.limit = min(m.limit, limit) }

// Used returns the units that were charged.
func (m *Meter) Used() uint64 { return m.used }

// Exceeded returns an error if the budget is used up.
func (m *Meter) Exceeded() error {
	if m.over == nil {
		return nil
	}
	return m.over
}

// left returns the remaining budget.
func (m *Meter) left() uint64 { return m.limit - min(m.used, m.limit) }

// Charge takes units from the budget. If there are not enough, it ends the current evaluation with a panic, which cel.Program
// converts into an error. An ordinary CEL error would not do, because an expression can discard it.
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

// grow adds the part of the budget that depends on the payload, once.
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

// hash returns the price of finding a text in a map. The text may be as long as the payload, or as the texts that were produced.
func (m *Meter) hash() uint64 { return (m.payload() + m.used) / hashUnit }

// read returns the price of reading a field, if that decodes the payload.
func (m *Meter) read() uint64 {
	if m.open {
		return m.payload() / textUnit
	}
	return 0
}

// Weight is the part of an evaluation's price that does not depend on the data: the number of parts of the expression, and of those
// that find an entry by its key or read a field.
type Weight struct{ Parts, Keys, Fields uint64 }

// Pass charges one evaluation of an expression.
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
