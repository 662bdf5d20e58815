package stream

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

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
// A tenant may have half of the room, so that its readers keep nobody else's waiting.
type room struct {
	size int64
	all  *semaphore.Weighted

	mu      sync.Mutex
	tenants map[gateway.TenantID]*tenantRoom
}

// tenantRoom is the part of a tenant. It is forgotten when the tenant has no streams.
type tenantRoom struct {
	room   *room
	tenant gateway.TenantID
	own    *semaphore.Weighted
	// streams is guarded by room.mu.
	streams int
}

func newRoom(size int64) *room {
	return &room{size: size, all: semaphore.NewWeighted(size), tenants: map[gateway.TenantID]*tenantRoom{}}
}

// enter returns the part of a tenant for a stream, which leaves it at its end.
func (r *room) enter(tenant gateway.TenantID) *tenantRoom {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.tenants[tenant]
	if one == nil {
		one = &tenantRoom{room: r, tenant: tenant, own: semaphore.NewWeighted(r.size / 2)}
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

// atMost is n, or all that a tenant may have: what needs more is sent alone.
func (t *tenantRoom) atMost(n int) int64 { return min(int64(n), t.room.size/2) }

func (t *tenantRoom) try(n int64) bool {
	if !t.own.TryAcquire(n) {
		return false
	}
	if !t.room.all.TryAcquire(n) {
		t.own.Release(n)
		return false
	}
	return true
}

// take waits for room until ctx ends.
func (t *tenantRoom) take(ctx context.Context, n int64) bool {
	if t.own.Acquire(ctx, n) != nil {
		return false
	}
	if t.room.all.Acquire(ctx, n) != nil {
		t.own.Release(n)
		return false
	}
	return true
}

func (t *tenantRoom) give(n int64) {
	t.room.all.Release(n)
	t.own.Release(n)
}

// needs says how much room the stream has to have before it goes on; false when it has less.
func (s *subscriber) needs(bytes int) bool {
	n := s.room.atMost(bytes)
	if s.holds >= n {
		return true
	}
	s.wants = n
	return false
}

// makeRoom gets the room that the stream wants, or waits for it until it is time for a heartbeat.
func (s *subscriber) makeRoom(ctx context.Context) error {
	s.giveRoom()
	if !s.room.try(s.wants) {
		// What is ready goes out first.
		if err := s.flush(); err != nil {
			return err
		}
		if !s.awaitRoom(ctx) {
			return nil
		}
	}
	s.holds, s.wants = s.wants, 0
	return nil
}

func (s *subscriber) awaitRoom(ctx context.Context) bool {
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
