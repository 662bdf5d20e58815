package gateway

import "time"

// StreamKind is the kind of a message of a live stream.
type StreamKind uint8

// The kinds of message.
const (
	// StreamBegin is always the first message.
	StreamBegin StreamKind = iota
	StreamEvent
	// StreamHeartbeat reports the position up to which the log was read.
	StreamHeartbeat
	// StreamGap reports that events are missing before the position.
	StreamGap
	// StreamDropped reports that events before the position were dropped because the reader was too slow.
	StreamDropped
)

// StreamMessage is a message of a live stream, without the event that it may carry. All transports send the same messages.
type StreamMessage struct {
	Kind StreamKind
	// Cursor is the position reached: a reader that resumes from it misses nothing and sees nothing twice.
	Cursor Cursor
	// Gap is the reason why events are missing before the next one; with StreamBegin and StreamGap.
	Gap Gap
	// Dropped is the number of events that were dropped; with StreamDropped.
	Dropped int64
	// Live means that the stream has reached the end of the log, so that the next events are new. With StreamBegin and
	// StreamHeartbeat.
	Live bool
	// Stream is the stream's id, empty for none. Expires is when the stream ends unless it is renewed, zero for never. Both
	// only with StreamBegin.
	Stream  string
	Expires time.Time
}
