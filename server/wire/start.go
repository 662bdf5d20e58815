package wire

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// StartKind says what a start names.
type StartKind uint8

// The kinds of start.
const (
	// StartNow is the head of the log.
	StartNow StartKind = iota
	// StartEarliest is before the first event kept.
	StartEarliest
	// StartCursor is after the event at a cursor.
	StartCursor
	// StartTime is before the first event accepted at a time or later.
	StartTime
)

// Start is where reading begins.
type Start struct {
	Kind   StartKind
	Cursor gateway.Cursor
	Time   time.Time
}

// startSkew is how far ahead a start may be: a client's clock may be, and what it calls now is now.
const startSkew = time.Minute

// ParseStart reads a start: "now" (also when empty), "earliest", a cursor, or an RFC 3339 time that is not in the future.
// field names it in the error.
func ParseStart(field, text string) (Start, error) {
	switch text {
	case "", "now":
		return Start{Kind: StartNow}, nil
	case "earliest":
		return Start{Kind: StartEarliest}, nil
	}
	if cursor, err := gateway.ParseCursor(text); err == nil {
		return Start{Kind: StartCursor, Cursor: cursor}, nil
	}
	if at, ok := gateway.ParseTime(text); ok {
		if at.After(time.Now().Add(startSkew)) {
			return Start{}, gateway.FieldError(field, "is in the future; leave it out to begin with the next event")
		}
		return Start{Kind: StartTime, Time: at}, nil
	}
	err := gateway.FieldError(field, `must be "now", "earliest", a cursor or a time such as 2006-01-02T15:04:05Z`)
	err.Reason = gateway.ReasonInvalidCursor
	return Start{}, err
}
