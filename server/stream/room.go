package stream

import (
	"container/list"
	"context"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// roomBytes bounds the memory that all streams hold for sending, unless Keep sets another bound.
	roomBytes = 64 << 20
	// pageRoom is the room that a stream takes before it reads a page of the log. If the page has larger events, the stream
	// then asks for more.
	pageRoom = 2 * pageBytes
	// freely is the size up to which a stream sends a shared event without taking room: the memory that is counted for its
	// connection covers it.
	freely = 16 << 10
	// copies is the number of copies of an event while it is sent, besides the one in the page: the encoding, the message,
	// and the buffer that is written.
	copies = 3
)

// room is the memory that all streams together may take for pages of the log and for large events that are being written. A
// stream that gets none waits without holding any: a reader that does not read keeps its room until its connection is
// closed (httpserver/writer.go, websocket/link.go). A tenant gets a share of what is free, so that no number of tenants can take all of it (see grant).
type room struct {
	size int64

	mu      sync.Mutex
	held    int64
	tenants map[gateway.TenantID]*tenantRoom
	// waiting holds the *tenantRoom with waiting streams, each once.
	waiting list.List
}

// tenantRoom is the room that the streams of a tenant hold. It is removed when the tenant has no streams. room.mu guards the
// fields that change.
type tenantRoom struct {
	room    *room
	tenant  gateway.TenantID
	streams int
	held    int64
	// waiting holds the *roomWait of the tenant's streams. place is the tenant's element in room.waiting; nil if none of its
	// streams wait.
	waiting list.List
	place   *list.Element
}

// roomWait is a stream that waits for n bytes. When ready is closed, got holds the bytes that it is charged.
type roomWait struct {
	n, got int64
	ready  chan struct{}
}

func newRoom(size int64) *room {
	return &room{size: size, tenants: map[gateway.TenantID]*tenantRoom{}}
}

// enter returns the room of a tenant for one stream. The stream calls leave when it ends.
func (r *room) enter(tenant gateway.TenantID) *tenantRoom {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.tenants[tenant]
	if one == nil {
		one = &tenantRoom{room: r, tenant: tenant}
		r.tenants[tenant] = one
	}
	one.streams++
	return one
}

func (t *tenantRoom) leave() {
	t.room.mu.Lock()
	defer t.room.mu.Unlock()
	if t.streams--; t.streams == 0 {
		delete(t.room.tenants, t.tenant)
	}
}

// atMost returns n, limited to what one stream may have. A page that needs more is sent alone.
func (t *tenantRoom) atMost(n int) int64 { return min(int64(n), t.room.size/2) }

// grant returns the number of bytes that a stream which wants n bytes is charged, or 0 if it has to wait. A single stream of
// a tenant gets up to half of the free room; several streams together get up to a third of it.
//
// The only stream of a tenant may want more than half of the free room. It then gets that half, if the half is at least an
// eighth of the whole room. Otherwise its event could wait for ever if other streams always hold some room. The caller holds
// room.mu.
func (t *tenantRoom) grant(n int64) int64 {
	free := t.room.size - t.room.held
	switch {
	case t.held+n <= (free-n)/2:
	case t.held == 0 && free/2 >= min(n, t.room.size/8):
		n = min(n, free/2)
	default:
		return 0
	}
	t.held += n
	t.room.held += n
	return n
}

// try returns the number of bytes that a stream which wants n bytes is charged, or 0. It does not wait.
func (t *tenantRoom) try(n int64) int64 {
	t.room.mu.Lock()
	defer t.room.mu.Unlock()
	if t.waiting.Len() > 0 {
		return 0
	}
	return t.grant(n)
}

// take waits for room until ctx ends. It returns the number of bytes that the stream is charged, or 0.
func (t *tenantRoom) take(ctx context.Context, n int64) int64 {
	wait := &roomWait{n: n, ready: make(chan struct{})}
	t.room.mu.Lock()
	at := t.waiting.PushBack(wait)
	if t.place == nil {
		t.place = t.room.waiting.PushBack(t)
	}
	t.serve()
	t.room.mu.Unlock()
	select {
	case <-wait.ready:
	case <-ctx.Done():
		t.room.mu.Lock()
		defer t.room.mu.Unlock()
		if wait.got == 0 {
			t.waiting.Remove(at)
			t.serve()
		}
	}
	return wait.got
}

// serve grants room to the tenant's waiting streams, in order. The caller holds room.mu.
func (t *tenantRoom) serve() {
	for first := t.waiting.Front(); first != nil; first = t.waiting.Front() {
		wait := first.Value.(*roomWait)
		if wait.got = t.grant(wait.n); wait.got == 0 {
			return
		}
		t.waiting.Remove(first)
		close(wait.ready)
	}
	if t.place != nil {
		t.room.waiting.Remove(t.place)
		t.place = nil
	}
}

func (t *tenantRoom) give(n int64) {
	t.room.mu.Lock()
	defer t.room.mu.Unlock()
	t.held -= n
	t.room.held -= n
	for next := t.room.waiting.Front(); next != nil; {
		one := next
		next = next.Next()
		one.Value.(*tenantRoom).serve()
	}
}

// needs reports whether the stream has room for a number of bytes. If not, it sets wants.
func (s *subscriber) needs(bytes int) bool {
	n := s.room.atMost(bytes)
	if s.fits >= n {
		return true
	}
	s.wants = n
	return false
}

// makeRoom takes the room that the stream wants. If there is none, it waits, but not beyond the next heartbeat.
func (s *subscriber) makeRoom(ctx context.Context) error {
	s.giveRoom()
	held := s.room.try(s.wants)
	if held == 0 {
		// Flush the messages that are ready before waiting.
		if err := s.flush(); err != nil {
			return err
		}
		if held = s.awaitRoom(ctx); held == 0 {
			return nil
		}
	}
	s.holds, s.fits, s.wants = held, s.wants, 0
	return nil
}

func (s *subscriber) awaitRoom(ctx context.Context) int64 {
	ctx, cancel := context.WithTimeout(ctx, s.untilHeartbeat())
	defer cancel()
	go func() {
		select {
		case <-s.hub.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return s.room.take(ctx, s.wants)
}

// keepRoom returns all room except a number of bytes.
func (s *subscriber) keepRoom(bytes int) {
	if beyond := s.holds - int64(bytes); beyond > 0 {
		s.room.give(beyond)
		s.holds -= beyond
	}
	s.fits = min(s.fits, int64(bytes))
}

func (s *subscriber) giveRoom() { s.keepRoom(0) }

// roomFor returns the room that a page takes while it is sent.
func roomFor(page []*gateway.Event) (bytes int) {
	largest := 0
	for _, event := range page {
		held := event.Held()
		bytes, largest = bytes+held, max(largest, held)
	}
	return bytes + copies*largest
}

// firstFew returns a page of events from the tail: about pageBytes, and at least one event. The page is a copy, because a
// slice of the tail's list would keep the whole list in memory.
func firstFew(events []*gateway.Event) []*gateway.Event {
	bytes, n := 0, 0
	for n < len(events) && (n == 0 || bytes+events[n].Held() <= pageBytes) {
		bytes += events[n].Held()
		n++
	}
	return append([]*gateway.Event(nil), events[:n]...)
}
