package deliver

import (
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// turnsCompared is the number of waiting tenants and lanes that are compared for the next turn.
const turnsCompared = 64

// How many turns a tenant may have for each that is free: with the first, three quarters of them when it is alone. The second
// is for lanes that have none and whose endpoint is not in doubt; the last eighth is for other tenants.
const (
	tenantTurns = 3
	soundTurns  = 7
)

// turns bounds the number of attempts under way of all subscriptions, because each takes a socket and the process may open
// a limited number. A lane may have as many turns as are free, and a tenant a few times as many, so that slow or hanging endpoints,
// which keep turns for long, leave some for others. A lane without a turn keeps its events and is dispatched when it may have
// one. The tenant with the fewest turns goes first, and within it the lane with the fewest. Waiting takes no slot and no time of an
// attempt, and is no failure.
//
// The memory of the events that are being sent is bounded in the same way.
//
// Lock order: a lane's lock before this one.
type turns struct {
	limit int
	// room is the bytes that attempts under way may hold; 0 for any number.
	room int64

	mu      sync.Mutex
	taken   int
	bytes   int64
	tenants map[gateway.TenantID]*tenantsTurns
}

// tenantsTurns holds the turns of a tenant, as long as the tenant has or wants any.
type tenantsTurns struct {
	taken int
	bytes int64
	// sound holds the waiting lanes that may have soundTurns, and others the other waiting lanes.
	sound, others map[*lane]struct{}
}

// laneTurn is the part of a lane. turns.mu guards it, except queued, which the lane's lock guards.
type laneTurn struct {
	// taken is the number of turns that the lane has. granted means that the lane was given one and has not used it.
	taken   int
	granted bool
	// wants is the memory in bytes that the lane waits for.
	wants int64
	// queued: the lane waits for a turn.
	queued bool
}

func newTurns(limit int, room int64) turns {
	return turns{limit: limit, room: room, tenants: map[gateway.TenantID]*tenantsTurns{}}
}

// take reports whether an attempt of the lane, with an event of a number of bytes, may begin. If not, the lane is dispatched
// once it may. The caller holds the lane's lock.
func (t *turns) take(l *lane, bytes int64) bool {
	if t.limit == 0 {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.turn.granted {
		l.turn.granted = false
		l.turn.taken++
		return true
	}
	tenant := t.tenants[l.tenant]
	if tenant == nil {
		tenant = &tenantsTurns{sound: map[*lane]struct{}{}, others: map[*lane]struct{}{}}
		t.tenants[l.tenant] = tenant
	}
	l.turn.wants = bytes
	among, share := tenant.others, tenantTurns
	if l.turn.taken == 0 && !l.breaker.Doubtful() {
		among, share = tenant.sound, soundTurns
	}
	if !t.open(tenant, share) || !t.openTo(l) || !t.fits(tenant, l, share) {
		among[l] = struct{}{}
		return false
	}
	t.reserve(tenant)
	l.turn.taken++
	return true
}

// open reports whether a tenant may have one more turn, and openTo whether a lane may. The caller of this and the following
// functions holds mu.
func (t *turns) open(tenant *tenantsTurns, share int) bool {
	return tenant.taken < share*(t.limit-t.taken)
}

func (t *turns) openTo(l *lane) bool { return l.turn.taken < t.limit-t.taken }

// fits reports whether there is memory for the event that a lane wants to send. A lane that is alone always fits.
func (t *turns) fits(tenant *tenantsTurns, l *lane, share int) bool {
	return t.room == 0 || t.bytes == 0 || tenant.bytes+l.turn.wants <= int64(share)*(t.room-t.bytes-l.turn.wants)
}

// begin charges the memory of an attempt that has its turn. give releases it.
func (t *turns) begin(l *lane, bytes int64) {
	if t.limit == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes += bytes
	t.tenants[l.tenant].bytes += bytes
}

func (t *turns) reserve(tenant *tenantsTurns) {
	t.taken++
	tenant.taken++
}

func (t *turns) free(id gateway.TenantID, bytes int64) {
	tenant := t.tenants[id]
	t.taken--
	tenant.taken--
	t.bytes -= bytes
	tenant.bytes -= bytes
	t.forget(id, tenant)
}

func (t *turns) forget(id gateway.TenantID, tenant *tenantsTurns) {
	if tenant.taken+len(tenant.sound)+len(tenant.others) == 0 {
		delete(t.tenants, id)
	}
}

// mayStartLocked reports whether an attempt may begin: it has the permit that it needs, and a turn. A lane that waits for a turn passes its
// permit on to other lanes and needs no second one.
func (l *lane) mayStartLocked() bool {
	if !l.mayTryLocked() {
		return false
	}
	if l.turn.queued = !l.engine.turns.take(l, l.nextBytesLocked()); l.turn.queued {
		l.dropPermitLocked()
		l.doubt.permitted = true
	}
	return !l.turn.queued
}

// nextBytesLocked returns the memory that the next attempt will hold, as far as it is known.
func (l *lane) nextBytesLocked() int64 {
	switch {
	case len(l.retries.ready) > 0:
		return l.retries.ready[0].event.bytes()
	case l.intake.queue.len() > 0:
		return l.intake.queue.events[l.intake.queue.head].bytes()
	default:
		return 0
	}
}

// give returns a turn and its memory to those that wait. The caller holds no lane's lock.
func (t *turns) give(l *lane, bytes int64) {
	if t.limit == 0 {
		return
	}
	t.mu.Lock()
	l.turn.taken--
	t.free(l.tenant, bytes)
	next := t.next()
	t.mu.Unlock()
	for next != nil {
		used := next.grant()
		t.mu.Lock()
		if !used {
			t.free(next.tenant, 0)
		}
		next = t.next()
		t.mu.Unlock()
	}
}

// next reserves a turn for the waiting lane that should have the next one. It returns nil if no lane may have one.
func (t *turns) next() (next *lane) {
	var of *tenantsTurns
	compared := 0
	for _, tenant := range t.tenants {
		if of == nil || tenant.taken < of.taken {
			if l := t.nextOf(tenant); l != nil {
				next, of = l, tenant
			}
		}
		if compared++; compared == turnsCompared {
			break
		}
	}
	if next != nil {
		delete(of.sound, next)
		delete(of.others, next)
		t.reserve(of)
	}
	return next
}

func (t *turns) nextOf(tenant *tenantsTurns) *lane {
	if t.open(tenant, soundTurns) {
		if l := t.fewest(tenant, tenant.sound, soundTurns); l != nil {
			return l
		}
	}
	if t.open(tenant, tenantTurns) {
		return t.fewest(tenant, tenant.others, tenantTurns)
	}
	return nil
}

// fewest returns, of the lanes that may have a turn, the one with the fewest turns; nil for none.
func (t *turns) fewest(tenant *tenantsTurns, lanes map[*lane]struct{}, share int) (least *lane) {
	compared := 0
	for l := range lanes {
		if t.openTo(l) && t.fits(tenant, l, share) && (least == nil || l.turn.taken < least.turn.taken) {
			least = l
		}
		if compared++; compared == turnsCompared {
			break
		}
	}
	return least
}

// grant lets the lane begin one attempt, and reports whether it has.
func (l *lane) grant() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn.granted, l.turn.queued = true, false
	l.dispatchLocked(time.Now())
	used := !l.turn.granted
	l.turn.granted = false
	if !l.turn.queued && !l.searching {
		l.dropPermitLocked()
		l.doubt.permitted = false
	}
	return used
}
