package gateway

import "time"

// StreamKind is what a message of a live stream says.
type StreamKind uint8

// The kinds of message.
const (
	// StreamBegin is always the first message.
	StreamBegin StreamKind = iota
	StreamEvent
	// StreamHeartbeat says how far the log was read.
	StreamHeartbeat
	// StreamGap says that events are missing before the position.
	StreamGap
	// StreamDropped says that events were left out before the position, because the reader was too slow.
	StreamDropped
)

// StreamMessage is a message of a live stream, apart from the event that it may carry. Every transport sends the same ones.
type StreamMessage struct {
	Kind StreamKind
	// Cursor is the position reached: a reader that resumes from it misses nothing and sees nothing twice.
	Cursor Cursor
	// Gap is what is missing before the next event; with StreamBegin and StreamGap.
	Gap Gap
	// Dropped is the number of events that were left out; with StreamDropped.
	Dropped int64
	// Live says that the stream has reached the end of the log: what comes next is new. With StreamBegin and StreamHeartbeat.
	Live bool
	// Stream is the stream's id, empty for none, and Expires is when the stream ends unless it is renewed, zero for never; only with
	// StreamBegin.
	Stream  string
	Expires time.Time
}
