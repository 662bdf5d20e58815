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

// AcceptsLines reports whether the Accept header asks for one JSON object per line and not for server-sent events, which are
// the default.
func AcceptsLines(header http.Header) bool {
	accept := strings.ToLower(strings.Join(header.Values("Accept"), ","))
	return strings.Contains(accept, LinesType) && !strings.Contains(accept, EventStreamType)
}
