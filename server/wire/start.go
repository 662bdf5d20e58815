package wire

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// StartKind is the kind of a start.
type StartKind uint8

// The kinds of start.
const (
	// StartNow begins at the head of the log.
	StartNow StartKind = iota
	// StartEarliest begins before the first stored event.
	StartEarliest
	// StartCursor begins after the event at a cursor.
	StartCursor
	// StartTime begins before the first event accepted at a time or later.
	StartTime
)

// Start is the position at which reading begins.
type Start struct {
	Kind   StartKind
	Cursor gateway.Cursor
	Time   time.Time
}

// startSkew is how far in the future a start may be, because a client's clock may be ahead.
const startSkew = time.Minute

// ParseStart parses a start: "now" (also when empty), "earliest", a cursor, or an RFC 3339 time that is not in the future.
// field is its name in errors.
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
