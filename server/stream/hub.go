// Package stream is the engine of live streams. A stream is ephemeral, has no acknowledgements, and resumes from a cursor. The package
// reads the log and knows no transport; each transport is a package below it.
package stream

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/tail"
)

// Bounds of one page: what a stream holds in memory, whatever its backlog and however slow its reader.
const (
	pageEvents = 256
	pageBytes  = 256 << 10
)

// DefaultHeartbeat is the time between heartbeats when a request names none.
const DefaultHeartbeat = 15 * time.Second

// Hub serves live streams from one log.
type Hub struct {
	store    *store.Store
	tail     *tail.Tail
	filters  *filter.Compiler
	stopping <-chan struct{}
	matcher  *matcher
	overruns overruns
	room     *room
}

// New makes a hub. Streams end with code unavailable once stopping is closed.
func New(log *store.Store, recent *tail.Tail, filters *filter.Compiler, stopping <-chan struct{}) *Hub {
	return &Hub{store: log, tail: recent, filters: filters, stopping: stopping, matcher: newMatcher(recent, filters), room: newRoom(roomBytes)}
}

// Keep bounds what streams share of the newest events and their encodings, and what they hold of what they send, in bytes. It is
// called before there are streams.
func (h *Hub) Keep(shared, sending int64) {
	h.matcher.recent.most, h.matcher.texts.most = shared, int(shared/textPart)
	h.room = newRoom(sending)
}

// NewEncoding makes a form in which readers get events: encode is asked once for each event and its tenant's name, however
// many read it. Encodings are made before there are streams.
func (h *Hub) NewEncoding(encode func(event *gateway.Event, tenant string) ([]byte, error)) *Encoding {
	return &Encoding{index: int(h.matcher.encoders.Add(1)) - 1, encode: encode}
}

// Subscribe sends the matching events in order, each once, until ctx ends, the server stops or send fails. It never
// returns nil: the error is the cause of ctx, that of send, or a *gateway.Error. An event on which a filter's expression
// fails is passed over like one for which it is false. send may block; the stream then falls behind and reads the log when
// it goes on.
func (h *Hub) Subscribe(ctx context.Context, request Request, send func(Message) error) error {
	s, gap, err := h.open(ctx, request, send)
	if err != nil {
		return err
	}
	defer h.matcher.leave(s.topic)
	defer s.room.leave()
	defer s.giveRoom()
	if err := s.begin(gap); err != nil {
		return err
	}
	return s.run(ctx)
}

// open prepares a stream. It is apart from Subscribe, as what a stream's goroutine waits in should need little stack: below
// 3 KB in all the stack shrinks to 8 KB.
func (h *Hub) open(ctx context.Context, request Request, send func(Message) error) (*subscriber, gateway.Gap, error) {
	selected, err := newSelection(ctx, h.filters, request.Tenant.ID, request.Filters)
	if err != nil {
		return nil, gateway.GapNone, err
	}
	after, gap, err := h.begin(ctx, request)
	if err != nil {
		return nil, gateway.GapNone, err
	}
	topic, err := h.matcher.join(request.Tenant.ID, selected, request.SlowPolicy)
	if err != nil {
		return nil, gateway.GapNone, err
	}
	if request.Heartbeat <= 0 {
		request.Heartbeat = DefaultHeartbeat
	}
	if request.Entry == nil {
		request.Entry = &Entry{}
	}
	request.Entry.reached.Store(int64(after))
	s := &subscriber{
		hub: h, request: request, names: newFilterNames(request.Filters), send: send, reached: after,
		live: after >= h.tail.Head(), topic: topic,
		room: h.room.enter(request.Tenant.ID),
	}
	request.Entry.live.Store(s.live)
	return s, gap, nil
}

// begin finds the position to read after, and what is missing there.
func (h *Hub) begin(ctx context.Context, request Request) (gateway.Position, gateway.Gap, error) {
	switch start := request.Start; start.Kind {
	case gateway.StartCursor:
		after, gap := h.store.CheckCursor(start.Cursor, request.Tenant)
		return after, gap, nil
	case gateway.StartEarliest:
		return request.Tenant.PurgedTo, gateway.GapNone, nil
	case gateway.StartTime:
		after, err := h.store.PositionBefore(ctx, start.Time)
		if err == nil && after < request.Tenant.PurgedTo {
			return request.Tenant.PurgedTo, gateway.GapRetention, nil
		}
		return after, gateway.GapNone, err
	default:
		return h.store.Head(), gateway.GapNone, nil
	}
}

func errStopping() error {
	e := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "the server is stopping; connect again")
	e.RetryAfter = time.Second
	return e
}
