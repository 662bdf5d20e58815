package stream

import (
	"container/list"
	"context"
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// roomBytes bounds what all streams hold of what they send, unless Keep says otherwise.
	roomBytes = 64 << 20
	// pageRoom is what a stream has before it reads a page of the log. One with larger events turns out to need more.
	pageRoom = 2 * pageBytes
	// freely is the size up to which a stream sends a shared event without room: it fits into what a connection is counted with.
	freely = 16 << 10
	// copies is how often an event may exist while it is sent, besides in a page: encoded, in a message, and in what is to be written.
	copies = 3
)

// room is the memory that streams may take, all together, for pages of the log and for large events that are being written. Those for
// which none is left wait with nothing in their hands: a reader that reads nothing keeps what it has until its connection is given up.
// A tenant's share is of what is free, so that no number of tenants can take the last of it (see grant).
type room struct {
	size int64

	mu      sync.Mutex
	held    int64
	tenants map[gateway.TenantID]*tenantRoom
	// waiting are the *tenantRoom whose streams wait, each once.
	waiting list.List
}

// tenantRoom is the part of a tenant. It is forgotten when the tenant has no streams. What changes is guarded by room.mu.
type tenantRoom struct {
	room    *room
	tenant  gateway.TenantID
	streams int
	held    int64
	// waiting are the *roomWait of the tenant's streams, and place is the tenant's place among those that wait; nil for none.
	waiting list.List
	place   *list.Element
}

// roomWait is a stream that waits for n bytes. Those that were granted are in got when ready is closed.
type roomWait struct {
	n, got int64
	ready  chan struct{}
}

func newRoom(size int64) *room {
	return &room{size: size, tenants: map[gateway.TenantID]*tenantRoom{}}
}

// enter returns the part of a tenant for a stream, which leaves it at its end.
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

// atMost is n, or all that one stream may have: what needs more is sent alone.
func (t *tenantRoom) atMost(n int) int64 { return min(int64(n), t.room.size/2) }

// grant returns what a stream that wants n bytes is charged, or 0. Of what is free a tenant gets half for one stream, and a third for
// all of them. A stream that is its tenant's only one may want more than half of what is free: it gets that, as long as that is an
// eighth of the room, for its event would wait for ever where others always hold something. It is called with room.mu held.
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

// try returns what a stream that wants n bytes is charged at once, or 0.
func (t *tenantRoom) try(n int64) int64 {
	t.room.mu.Lock()
	defer t.room.mu.Unlock()
	if t.waiting.Len() > 0 {
		return 0
	}
	return t.grant(n)
}

// take waits for room until ctx ends, and returns what the stream is charged, or 0.
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

// serve gives room to the tenant's streams that wait, in turn. It is called with room.mu held.
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

// needs says how much room the stream has to have before it goes on; false when it has less.
func (s *subscriber) needs(bytes int) bool {
	n := s.room.atMost(bytes)
	if s.fits >= n {
		return true
	}
	s.wants = n
	return false
}

// makeRoom gets the room that the stream wants, or waits for it until it is time for a heartbeat.
func (s *subscriber) makeRoom(ctx context.Context) error {
	s.giveRoom()
	held := s.room.try(s.wants)
	if held == 0 {
		// What is ready goes out first.
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

// keepRoom gives back what is beyond what a page needs.
func (s *subscriber) keepRoom(bytes int) {
	if beyond := s.holds - int64(bytes); beyond > 0 {
		s.room.give(beyond)
		s.holds -= beyond
	}
	s.fits = min(s.fits, int64(bytes))
}

func (s *subscriber) giveRoom() { s.keepRoom(0) }

// roomFor is what a page takes while it is sent.
func roomFor(page []*gateway.Event) (bytes int) {
	largest := 0
	for _, event := range page {
		held := event.Held()
		bytes, largest = bytes+held, max(largest, held)
	}
	return bytes + copies*largest
}

// firstFew is a page of what the tail has: about pageBytes, and at least one event. It is a copy, as a part of the tail's list would
// keep all of the list.
func firstFew(events []*gateway.Event) []*gateway.Event {
	bytes, n := 0, 0
	for n < len(events) && (n == 0 || bytes+events[n].Held() <= pageBytes) {
		bytes += events[n].Held()
		n++
	}
	return append([]*gateway.Event(nil), events[:n]...)
}
