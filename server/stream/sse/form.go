package sse

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// form is the form of a stream's messages. Its methods append a message to dst.
type form interface {
	contentType() string
	// pace returns the heartbeat interval of the hub for a client that asked for an interval of its own; 0 for the default.
	pace(asked time.Duration) time.Duration
	// message appends a message without an event.
	message(dst []byte, m gateway.StreamMessage) ([]byte, error)
	// event appends the frame of an event, made by the form's encoding, with the names of filters.
	event(dst []byte, at gateway.Cursor, frame []byte, filters []string) []byte
	end(dst []byte, end wire.StreamEnd) []byte
}

// withFilters appends a frame, and inserts the names of filters into its JSON object before the last bytes, which are end.
func withFilters(dst, frame []byte, filters []string, end string) []byte {
	if len(filters) == 0 {
		return append(dst, frame...)
	}
	dst = append(dst, frame[:len(frame)-len(end)]...)
	return append(wire.InsertFilters(dst, filters), end...)
}

// joinLines replaces the line breaks in the JSON text dst[from:] with spaces. An untyped payload is stored as it was
// published, and may have line breaks between its tokens; JSON strings have none.
func joinLines(dst []byte, from int) []byte {
	for i := from; i < len(dst); i++ {
		if dst[i] == '\n' || dst[i] == '\r' {
			dst[i] = ' '
		}
	}
	return dst
}
