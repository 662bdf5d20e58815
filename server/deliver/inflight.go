package deliver

import "github.com/postrider-dev/postrider/server/gateway"

// rowKey identifies a delivery of a lane.
type rowKey struct {
	position gateway.Position
	run      gateway.Run
}

func keyOf(d *gateway.Delivery) rowKey { return rowKey{d.Position, d.Run} }

// inFlight holds the rows of a lane that are changing, each until the change is committed. Nothing else may change them.
type inFlight struct {
	// busy holds the rows of attempts. claims counts, by row, changes that are not attempts.
	busy   map[rowKey]*attempt
	claims map[rowKey]int
	// slots counts attempts until their outcome is committed.
	slots int
	// aging means that a timer will store the first attempts that have been under way for long.
	aging bool
}

func newInFlight() inFlight { return inFlight{busy: map[rowKey]*attempt{}, claims: map[rowKey]int{}} }

func (f *inFlight) begin(a *attempt) {
	f.busy[keyOf(&a.delivery)] = a
	f.slots++
}

func (f *inFlight) end(key rowKey) {
	delete(f.busy, key)
	f.slots--
}

func (f *inFlight) claim(key rowKey) { f.claims[key]++ }

func (f *inFlight) release(key rowKey) {
	if f.claims[key]--; f.claims[key] <= 0 {
		delete(f.claims, key)
	}
}

// has reports whether a row is changing.
func (f *inFlight) has(key rowKey) bool { return f.busy[key] != nil || f.claims[key] > 0 }

// rows returns the number of rows that are changing.
func (f *inFlight) rows() int { return len(f.busy) + len(f.claims) }

// waiting counts the events whose first attempt has not ended.
func (f *inFlight) waiting() (events int64) {
	for _, a := range f.busy {
		if a.delivery.Attempts == 0 && !a.ended {
			events++
		}
	}
	return events
}
