package gateway

import (
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// Incarnation is one uninterrupted life of the log. Every start begins a new one. So a database that was restored from a
// backup does not mistake cursors of lost events for its own.
type Incarnation [8]byte

func (i Incarnation) String() string { return hex.EncodeToString(i[:]) }

// Cursor is a place in the log: after the event at Position.
type Cursor struct {
	Shard       uint16
	Incarnation Incarnation
	Position    Position
}

const (
	cursorVersion = 1
	cursorBytes   = 1 + 2 + 8 + 8
)

// ErrBadCursor is returned for text that is not a cursor.
var ErrBadCursor = errors.New("not a cursor")

// base32hex keeps the order of the bytes, so cursors of one incarnation sort as text. Lower case reads better.
const cursorDigits = "0123456789abcdefghijklmnopqrstuv"

var cursorText = base32.NewEncoding(cursorDigits).WithPadding(base32.NoPadding)

// String is the opaque form users see: 31 characters, sortable within an incarnation.
func (c Cursor) String() string {
	var raw [cursorBytes]byte
	raw[0] = cursorVersion
	binary.BigEndian.PutUint16(raw[1:], c.Shard)
	copy(raw[3:], c.Incarnation[:])
	binary.BigEndian.PutUint64(raw[11:], uint64(c.Position))
	return encodeCursor(&raw)
}

// encodeCursor returns the same text as cursorText in a tenth of the time, because every ack and every attempt has a cursor.
func encodeCursor(raw *[cursorBytes]byte) string {
	var text [(cursorBytes*8 + 4) / 5]byte
	n, bits, pending := 0, 0, uint32(0)
	for _, b := range raw {
		pending = pending<<8 | uint32(b)
		for bits += 8; bits >= 5; n++ {
			bits -= 5
			text[n] = cursorDigits[pending>>bits&31]
		}
	}
	text[n] = cursorDigits[pending<<(5-bits)&31]
	return string(text[:])
}

// ParseCursor reads the opaque form. The error is ErrBadCursor.
func ParseCursor(text string) (Cursor, error) {
	if len(text) != cursorText.EncodedLen(cursorBytes) {
		return Cursor{}, ErrBadCursor
	}
	raw, err := cursorText.DecodeString(text)
	if err != nil || len(raw) != cursorBytes || raw[0] != cursorVersion {
		return Cursor{}, ErrBadCursor
	}
	c := Cursor{
		Shard:    binary.BigEndian.Uint16(raw[1:]),
		Position: Position(binary.BigEndian.Uint64(raw[11:])),
	}
	copy(c.Incarnation[:], raw[3:])
	// There is one spelling for each cursor: the unused low bits of the last character must be zero.
	if c.Position < 0 || c.String() != text {
		return Cursor{}, ErrBadCursor
	}
	return c, nil
}

// Gap is the reason why events are missing at a cursor.
type Gap int

// The reasons of a gap.
const (
	GapNone Gap = iota
	// GapLogReplaced: the cursor belongs to a log that was replaced, for example by restoring a backup.
	GapLogReplaced
	// GapRetention: events after the cursor were removed.
	GapRetention
)

func (g Gap) String() string {
	switch g {
	case GapLogReplaced:
		return "log replaced"
	case GapRetention:
		return "removed by retention"
	default:
		return "none"
	}
}

// IncarnationStart is an incarnation with its first position.
type IncarnationStart struct {
	ID    Incarnation
	First Position
}

// CheckCursor checks a cursor against the stored incarnations (oldest first), the head of the log and the tenant's purge
// mark. It returns the position to read after, and the gap before the next event. If the log was replaced, reading continues
// after the last position that the cursor's incarnation and this log have in common, or from the earliest event if there is
// none.
func CheckCursor(c Cursor, incarnations []IncarnationStart, head, purgedTo Position) (Position, Gap) {
	after, gap := sharedPosition(c, incarnations, head)
	if after < purgedTo {
		after = purgedTo
		if gap == GapNone {
			gap = GapRetention
		}
	}
	return after, gap
}

func sharedPosition(c Cursor, incarnations []IncarnationStart, head Position) (Position, Gap) {
	for i, in := range incarnations {
		if in.ID != c.Incarnation {
			continue
		}
		end := head
		if i+1 < len(incarnations) {
			end = incarnations[i+1].First - 1
		}
		if c.Position > end {
			return end, GapLogReplaced
		}
		return c.Position, GapNone
	}
	return 0, GapLogReplaced
}
