package deliver

import "github.com/postrider-dev/postrider/server/gateway"

// cursorEvery is the number of results after which a lane that does not share the mark stores its cursor. It saves writes;
// after a crash the rows above the cursor are skipped.
const cursorEvery = 32

// progress is the position of a lane's rows, and the position that is stored.
type progress struct {
	window window
	// shared: the lane's place is the mark; otherwise it stores a cursor of its own.
	shared bool
	// cursor is the position that was stored last. sinceCursor counts the results since then.
	cursor      gateway.Position
	sinceCursor int
}

// stored records that a cursor is being stored.
func (p *progress) stored(c gateway.Position) { p.cursor, p.sinceCursor = c, 0 }

// resulted records a result, and reports whether the cursor is worth storing with it.
func (p *progress) resulted() bool {
	p.sinceCursor++
	return p.sinceCursor >= cursorEvery || p.window.open == 0
}
