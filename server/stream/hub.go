// Package stream is the engine of live streams. A stream is ephemeral, has no acknowledgements, and resumes from a cursor.
// The package reads the log and does not know the transports, which are packages below it.
package stream

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/tail"
)

// Bounds of one page. A stream holds at most one page in memory, whatever its backlog and however slow its reader.
const (
	pageEvents = 256
	pageBytes  = 256 << 10
)

// DefaultHeartbeat is the interval of heartbeats when a request sets none.
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

// New returns a hub. When stopping is closed, its streams end with code unavailable.
func New(log *store.Store, recent *tail.Tail, filters *filter.Compiler, stopping <-chan struct{}) *Hub {
	return &Hub{store: log, tail: recent, filters: filters, stopping: stopping, matcher: newMatcher(recent, filters), room: newRoom(roomBytes)}
}

// Keep bounds, in bytes, the newest events and their encodings that streams share, and the memory that streams hold for
// sending. It must be called before there are streams.
func (h *Hub) Keep(shared, sending int64) {
	h.matcher.recent.most, h.matcher.texts.most = shared, int(shared/textPart)
	h.room = newRoom(sending)
}

// NewEncoding adds a form in which readers get events. encode is called once for each event and the name of its tenant,
// however many readers the event has. Encodings must be added before there are streams.
func (h *Hub) NewEncoding(encode func(event *gateway.Event, tenant string) ([]byte, error)) *Encoding {
	return &Encoding{index: int(h.matcher.encoders.Add(1)) - 1, encode: encode}
}

// Subscribe sends the matching events in order, each once, until ctx ends, the server stops or send fails. The error is
// never nil: it is the cause of ctx, the error of send, or a *gateway.Error. An event on which a filter's expression fails
// is skipped, as if the expression were false. send may block; then the stream falls behind, and reads the log when it
// continues.
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

// open prepares a stream. It is separate from Subscribe so that the function in which a stream's goroutine waits needs
// little stack: if it uses less than 3 KB in all, the stack shrinks to 8 KB.
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

// begin returns the position to read after, and the gap before the next event.
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
