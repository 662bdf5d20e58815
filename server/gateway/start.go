package gateway

import "time"

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

// Start is the position at which a subscription or a stream begins to read. The zero value is now.
type Start struct {
	Kind StartKind
	// Cursor is set for StartCursor, Time for StartTime.
	Cursor Cursor
	Time   time.Time
}

// StartAfter returns the start after a cursor.
func StartAfter(cursor Cursor) Start { return Start{Kind: StartCursor, Cursor: cursor} }

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
	if cursor, err := ParseCursor(text); err == nil {
		return StartAfter(cursor), nil
	}
	if at, ok := ParseTime(text); ok {
		if at.After(time.Now().Add(startSkew)) {
			return Start{}, FieldError(field, "is in the future; leave it out to begin with the next event")
		}
		return Start{Kind: StartTime, Time: at}, nil
	}
	err := FieldError(field, `must be "now", "earliest", a cursor or a time such as 2006-01-02T15:04:05Z`)
	err.Reason = ReasonInvalidCursor
	return Start{}, err
}
