package sse

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// keepAlive is the longest time without a byte: proxies cut what is silent for longer, many after 30 s.
const keepAlive = 15 * time.Second

// A browser connects again after a time of between minRetry and twice that, drawn for each connection: those that a
// restart cut off do not all come back at once.
const minRetry = time.Second

// eventStream is the form of server-sent events (WHATWG HTML, section 9.2). Events of the log are messages, as EventSource
// calls them; begin, gap, ping and end have names of their own, none of them one of EventSource's own events (open, error).
// The id of each is the place reached.
type eventStream struct {
	// place is that of the last id sent.
	place gateway.Cursor
	// live is what the client was last told.
	live bool
	// beats is how many heartbeats of the hub make a ping; all others are comments, which EventSource keeps to itself.
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

// begin sends the position with the id of its last part: a client that loses the connection before it has read of a gap is sent the gap
// again.
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
	text, _ := json.Marshal(struct { // A struct of texts and times can always be encoded.
		Cursor     string    `json:"cursor"`
		Live       bool      `json:"live"`
		Stream     string    `json:"stream,omitempty"`
		ExpireTime time.Time `json:"expireTime,omitzero"`
	}{begin.Cursor.String(), begin.Live, begin.Stream, begin.Expires.UTC()})
	dst = append(dst, "data: "...)
	dst = append(dst, text...)
	return append(dst, "\n\n"...)
}

// messageFrame makes the message of an event.
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

// gap appends that events are missing; m is the begin or the gap that says so.
func (s *eventStream) gap(dst []byte, m gateway.StreamMessage) ([]byte, error) {
	m.Kind = gateway.StreamGap
	return s.named(dst, "gap", m.Cursor, wire.StreamMessage(m).GetGap())
}

// named appends a message with a name of its own, which moves the place.
func (s *eventStream) named(dst []byte, name string, at gateway.Cursor, data proto.Message) ([]byte, error) {
	dst = append(append(append(dst, "event: "...), name...), '\n')
	dst, err := wire.AppendJSON(append(s.id(dst, at), "data: "...), data)
	return append(dst, "\n\n"...), err
}

func (s *eventStream) end(dst []byte, end wire.StreamEnd) []byte {
	dst = append(dst, "event: end\ndata: "...)
	text, _ := json.Marshal(end) // A struct of texts can always be encoded.
	dst = append(dst, text...)
	return append(dst, "\n\n"...)
}

func (s *eventStream) id(dst []byte, place gateway.Cursor) []byte {
	s.place = place
	dst = append(dst, "id: "...)
	dst = append(dst, place.String()...)
	return append(dst, '\n')
}

// state ends a message that says where the stream is.
func (s *eventStream) state(dst []byte, at gateway.Cursor) []byte {
	dst = append(dst, `data: {"cursor":"`...)
	dst = append(dst, at.String()...)
	dst = append(dst, `","live":`...)
	return append(strconv.AppendBool(dst, s.live), "}\n\n"...)
}
