package sse

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// keepAlive is the longest time without a byte. Proxies close connections that are silent for longer, many of them after 30
// s.
const keepAlive = 15 * time.Second

// minRetry is the shortest time after which a browser reconnects. The time is random for each connection, up to twice
// minRetry, so that clients do not all reconnect at the same time after a restart.
const minRetry = time.Second

// eventStream is the form of server-sent events (WHATWG HTML, section 9.2). Events of the log are message events. begin,
// gap, ping and end have names of their own, which differ from EventSource's own events (open, error). The id of each is the
// position reached.
type eventStream struct {
	// place is the position of the last id that was sent.
	place gateway.Cursor
	// live is the state that was last sent to the client.
	live bool
	// beats is the number of heartbeats of the hub that make one ping. All other heartbeats become comments, which
	// EventSource does not report.
	beats, quiet int
}

func (*eventStream) contentType() string { return wire.EventStreamType }

func (s *eventStream) pace(asked time.Duration) time.Duration {
	if asked <= 0 {
		asked = stream.DefaultHeartbeat
	}
	s.beats = int((asked + keepAlive - 1) / keepAlive)
	return asked / time.Duration(s.beats)
}

func (s *eventStream) message(dst []byte, m gateway.StreamMessage) ([]byte, error) {
	switch m.Kind {
	case gateway.StreamBegin:
		return s.begin(dst, m)
	case gateway.StreamGap:
		return s.gap(dst, m)
	case gateway.StreamDropped:
		return s.named(dst, "dropped", m.Cursor, wire.StreamMessage(m).GetDropped())
	default:
		return s.heartbeat(dst, m)
	}
}

// begin sends the position as the id of its last part. So a client that loses the connection before it has read of a gap is
// sent the gap again.
func (s *eventStream) begin(dst []byte, begin gateway.StreamMessage) ([]byte, error) {
	s.live = begin.Live
	retry := minRetry + rand.N(minRetry)
	dst = append(dst, ": a live stream of events\nretry: "...)
	dst = strconv.AppendInt(dst, retry.Milliseconds(), 10)
	dst = append(dst, "\nevent: begin\n"...)
	if begin.Gap == gateway.GapNone {
		return opened(s.id(dst, begin.Cursor), begin), nil
	}
	return s.gap(opened(dst, begin), begin)
}

// opened appends the data of begin.
func opened(dst []byte, begin gateway.StreamMessage) []byte {
	text, _ := json.Marshal(struct { // cannot fail for texts and times
		Cursor     string    `json:"cursor"`
		Live       bool      `json:"live"`
		Stream     string    `json:"stream,omitempty"`
		ExpireTime time.Time `json:"expireTime,omitzero"`
	}{begin.Cursor.String(), begin.Live, begin.Stream, begin.Expires.UTC()})
	dst = append(dst, "data: "...)
	dst = append(dst, text...)
	return append(dst, "\n\n"...)
}

// messageFrame returns the message of an event.
func messageFrame(event *postriderv1.Event) ([]byte, error) {
	frame := append([]byte("id: "), event.GetCursor()...)
	frame = append(frame, "\ndata: "...)
	from := len(frame)
	frame, err := wire.AppendJSON(frame, event)
	return append(joinLines(frame, from), "\n\n"...), err
}

func (s *eventStream) event(dst []byte, at gateway.Cursor, frame []byte, filters []string) []byte {
	s.quiet, s.place = 0, at
	return withFilters(dst, frame, filters, "\n\n")
}

func (s *eventStream) heartbeat(dst []byte, beat gateway.StreamMessage) ([]byte, error) {
	if s.quiet++; s.quiet < s.beats && beat.Live == s.live {
		return append(dst, ":\n\n"...), nil
	}
	s.quiet, s.live = 0, beat.Live
	dst = append(dst, "event: ping\n"...)
	if beat.Cursor != s.place {
		dst = s.id(dst, beat.Cursor)
	}
	return s.state(dst, beat.Cursor), nil
}

// gap appends the message that events are missing; m is the begin or gap message of the hub.
func (s *eventStream) gap(dst []byte, m gateway.StreamMessage) ([]byte, error) {
	m.Kind = gateway.StreamGap
	return s.named(dst, "gap", m.Cursor, wire.StreamMessage(m).GetGap())
}

// named appends a message with a name of its own and the new position.
func (s *eventStream) named(dst []byte, name string, at gateway.Cursor, data proto.Message) ([]byte, error) {
	dst = append(append(append(dst, "event: "...), name...), '\n')
	dst, err := wire.AppendJSON(append(s.id(dst, at), "data: "...), data)
	return append(dst, "\n\n"...), err
}

func (s *eventStream) end(dst []byte, end wire.StreamEnd) []byte {
	dst = append(dst, "event: end\ndata: "...)
	text, _ := json.Marshal(end) // cannot fail for texts
	dst = append(dst, text...)
	return append(dst, "\n\n"...)
}

func (s *eventStream) id(dst []byte, place gateway.Cursor) []byte {
	s.place = place
	dst = append(dst, "id: "...)
	dst = append(dst, place.String()...)
	return append(dst, '\n')
}

// state ends a message with the position and state of the stream.
func (s *eventStream) state(dst []byte, at gateway.Cursor) []byte {
	dst = append(dst, `data: {"cursor":"`...)
	dst = append(dst, at.String()...)
	dst = append(dst, `","live":`...)
	return append(strconv.AppendBool(dst, s.live), "}\n\n"...)
}
