package deliver

import "github.com/postrider-dev/postrider/server/gateway"

// window holds the positions a lane has dispatched, in order, from the lowest one without a durable row. It is small:
// an attempt older than a second gets a row and is resolved with it.
type window struct {
	entries []windowEntry
	head    int
	// first is the sequence number of entries[head].
	first uint64
	open  int
}

type windowEntry struct {
	position gateway.Position
	resolved bool
}

// add adds a position, which must be above all others, and returns its sequence number.
func (w *window) add(p gateway.Position) (sequence uint64) {
	w.entries = append(w.entries, windowEntry{position: p})
	w.open++
	return w.first + uint64(len(w.entries)-w.head-1)
}

// resolve records that a row for the position was passed to the store.
func (w *window) resolve(sequence uint64) {
	w.entries[w.head+int(sequence-w.first)].resolved = true
	w.open--
	for w.head < len(w.entries) && w.entries[w.head].resolved {
		w.head++
		w.first++
	}
	w.compact()
}

func (w *window) compact() {
	if w.head == len(w.entries) {
		w.entries, w.head = w.entries[:0], 0
		return
	}
	if w.head > 256 && w.head*2 > len(w.entries) {
		n := copy(w.entries, w.entries[w.head:])
		w.entries, w.head = w.entries[:n], 0
	}
}

// lowest returns the lowest unresolved position.
func (w *window) lowest() (gateway.Position, bool) {
	if w.head == len(w.entries) {
		return 0, false
	}
	return w.entries[w.head].position, true
}
