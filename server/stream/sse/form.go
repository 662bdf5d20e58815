package sse

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// form is how one stream's messages look. Its methods append a message to dst.
type form interface {
	contentType() string
	// pace returns how often the hub shall beat when the client wants to hear of the stream at this interval, 0 for the
	// default.
	pace(asked time.Duration) time.Duration
	// message appends a message without an event.
	message(dst []byte, m gateway.StreamMessage) ([]byte, error)
	// event appends the frame that the form's encoding has made of an event, with the names of filters.
	event(dst []byte, at gateway.Cursor, frame []byte, filters []string) []byte
	end(dst []byte, end wire.StreamEnd) []byte
}

// withFilters appends a frame with the names of filters in the JSON object before its last bytes, which are end.
func withFilters(dst, frame []byte, filters []string, end string) []byte {
	if len(filters) == 0 {
		return append(dst, frame...)
	}
	dst = append(dst, frame[:len(frame)-len(end)]...)
	return append(wire.InsertFilters(dst, filters), end...)
}

// joinLines makes spaces of the line breaks in the JSON text dst[from:]. An untyped payload is kept as it was published
// and may have some between its tokens; within a string JSON has none.
func joinLines(dst []byte, from int) []byte {
	for i := from; i < len(dst); i++ {
		if dst[i] == '\n' || dst[i] == '\r' {
			dst[i] = ' '
		}
	}
	return dst
}
