package wire

import (
	"net/http"
	"strings"
)

// The media types of live streams over plain HTTP.
const (
	EventStreamType = "text/event-stream"
	LinesType       = "application/x-ndjson"
)

// AcceptsLines reports whether who sends this header wants one JSON object a line: who asks for that and not for server-sent
// events, which is what everybody else gets.
func AcceptsLines(header http.Header) bool {
	accept := strings.ToLower(strings.Join(header.Values("Accept"), ","))
	return strings.Contains(accept, LinesType) && !strings.Contains(accept, EventStreamType)
}
