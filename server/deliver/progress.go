package deliver

import "github.com/postrider-dev/postrider/server/gateway"

// cursorEvery is after how many results a lane on its own stores its cursor. It saves writes; after a crash the rows
// above the cursor are skipped.
const cursorEvery = 32

// progress is how far the rows of a lane have come, and what is stored of it.
type progress struct {
	window window
	// shared: the lane's place is the mark; otherwise it stores a cursor of its own.
	shared bool
	// cursor is the position stored last; sinceCursor counts results since then.
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
