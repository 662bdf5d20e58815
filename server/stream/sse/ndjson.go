package sse

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// ndjson is the form with one JSON object a line: the messages of Subscribe, and a last one that says why the stream ended.
type ndjson struct{}

func (ndjson) contentType() string { return wire.LinesType }

func (ndjson) pace(asked time.Duration) time.Duration { return asked }

func (ndjson) message(dst []byte, m gateway.StreamMessage) ([]byte, error) {
	return line(dst, wire.StreamMessage(m))
}

// lineFrame returns the line of an event.
func lineFrame(event *postriderv1.Event) ([]byte, error) {
	return line(nil, wire.StreamEvent(event, nil))
}

func (ndjson) event(dst []byte, _ gateway.Cursor, frame []byte, filters []string) []byte {
	return withFilters(dst, frame, filters, "\n")
}

func (ndjson) end(dst []byte, end wire.StreamEnd) []byte {
	text, _ := json.Marshal(struct { // cannot fail for texts
		End wire.StreamEnd `json:"end"`
	}{end})
	return append(append(dst, text...), '\n')
}

func line(dst []byte, message proto.Message) ([]byte, error) {
	from := len(dst)
	dst, err := wire.AppendJSON(dst, message)
	return append(joinLines(dst, from), '\n'), err
}
