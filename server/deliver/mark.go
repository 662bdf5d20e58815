package deliver

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

const (
	// markAfterResults is the delay of the mark after results. The mark only saves work at the next start, which skips the
	// rows above it, so it is not worth a commit of its own for each batch.
	markAfterResults = 250 * time.Millisecond
	// markAfterEvents is the delay when the router has only passed events that no lane selects.
	markAfterEvents = 5 * time.Second
	// maxShareLag is the number of positions that a lane may hold the mark back before it stores a cursor of its own.
	maxShareLag = 16_384
	// noLow stands for a lane that does not hold the mark back.
	noLow = math.MaxInt64
)

// mark is the place that the caught-up lanes of a group share. Groups know nothing of each other: "lane" below
// is a lane of the mark's group.
//
// The invariant: when Result{Mark: M} is queued, every event ≤ M that a sharing lane selects has had a row queued before
// it. The store commits a mark after all that was queued before it, so a stored mark never covers an event without a row. It holds because
//
//  1. M ≤ reached, read first; reached grows only after the fed lanes were given the events up to it, and each given
//     event is in its lane's low before that.
//  2. M < low of each sharing lane, read second; low passes a position only after the position's row was queued.
//  3. A lane that does not read with the router has low = scan + 1, so it holds M back until it is fed again, or until it
//     has queued a cursor of its own: only then low becomes noLow.
//  4. A lane begins to share at C only if C ≥ last, under mu, and queues Share there: marks queued before are ≤ C, marks
//     queued after are computed with it.
//  5. The set of lanes is complete: a lane stores low and then looks at counted; the mark clears counted and then looks
//     at low. One of them sees the other.
//  6. A new subscription begins at a head read while no mark may be queued (hold), so at or above last.
//
// M never goes back, for reached and the lows of sharing lanes do not, and joining lanes come in above it.
type mark struct {
	engine *Engine
	group  gateway.GroupID
	soon   chan struct{}
	later  chan struct{}
	// asked and told mean that soon and later were signalled since the last move. They keep the hot path off the channels.
	asked, told atomic.Bool

	mu    sync.Mutex
	lanes map[*lane]struct{}
	last  gateway.Position
	holds int
	// queued means that a mark waits for its commit: one at a time.
	queued bool
}

func newMark(e *Engine, group gateway.GroupID, stored gateway.Position) *mark {
	return &mark{
		engine: e, group: group, last: stored,
		soon: make(chan struct{}, 1), later: make(chan struct{}, 1), lanes: map[*lane]struct{}{},
	}
}

// position returns the mark that was queued last.
func (m *mark) position() gateway.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// touched records that a sharing lane has resolved an event.
func (m *mark) touched() {
	if !m.asked.Load() && !m.asked.Swap(true) {
		signal(m.soon)
	}
}

// passed records that the router has moved.
func (m *mark) passed() {
	if !m.told.Load() && !m.told.Swap(true) {
		signal(m.later)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (m *mark) run(ctx context.Context) {
	var timer <-chan time.Time
	var due time.Time
	arm := func(wait time.Duration) {
		if at := time.Now().Add(wait); timer == nil || at.Before(due) {
			timer, due = time.After(wait), at
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.soon:
			arm(markAfterResults)
		case <-m.later:
			arm(markAfterEvents)
		case <-timer:
			timer = nil
			m.move()
		}
	}
}

// move queues the mark if it has grown. It makes lanes that hold the mark back too far store cursors of their own.
func (m *mark) move() {
	m.asked.Store(false)
	m.told.Store(false)
	for _, l := range m.advance() {
		l.goAlone()
	}
}

func (m *mark) advance() (laggards []*lane) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holds > 0 || m.queued {
		m.touched()
		return nil
	}
	reached := m.engine.router.position()
	next := reached
	for l := range m.lanes {
		low := m.lowOf(l)
		next = min(next, low-1)
		if low < reached-maxShareLag {
			laggards = append(laggards, l)
		}
	}
	if next > m.last {
		m.last, m.queued = next, true
		m.engine.store.Record(store.Result{Group: m.group, Mark: next, Committed: m.committed})
	}
	return laggards
}

// lowOf reads a lane's low and forgets the lane when it has none.
func (m *mark) lowOf(l *lane) gateway.Position {
	l.share.counted.Store(false)
	low := l.share.low.Load()
	if low == noLow {
		delete(m.lanes, l)
		return noLow
	}
	l.share.counted.Store(true)
	return gateway.Position(low)
}

func (m *mark) committed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queued = false
}

// join makes the mark consider a lane with a low. The caller holds the lane's lock.
func (m *mark) join(l *lane) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.joinLocked(l)
}

func (m *mark) joinLocked(l *lane) {
	m.lanes[l] = struct{}{}
	l.share.counted.Store(true)
}

// hold keeps the mark where it is until release is called.
func (m *mark) hold() (release func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holds++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.holds--
	}
}

// share is the state of a lane that the mark reads without the lane's lock.
type share struct {
	// low is the lowest position, below which the mark must stay. counted means that the mark considers the lane.
	low     atomic.Int64
	counted atomic.Bool
}

// updateLowLocked publishes the lane's low.
func (l *lane) updateLowLocked() {
	low := int64(noLow)
	if l.progress.shared {
		low = l.lowestLocked()
	}
	if l.share.low.Load() != low {
		l.share.low.Store(low)
	}
	if low != noLow && !l.share.counted.Load() {
		l.mark.join(l)
	}
}

func (l *lane) lowestLocked() int64 {
	if p, ok := l.progress.window.lowest(); ok {
		return int64(p)
	}
	return l.intake.lowest()
}

// placeLocked returns the position up to which every event that the lane selects has a queued row.
func (l *lane) placeLocked() gateway.Position {
	if p, ok := l.progress.window.lowest(); ok {
		return p - 1
	}
	return l.intake.place(l.engine.router.position())
}

// tryShareLocked makes a fed lane share the mark as soon as the lane is not behind it.
func (l *lane) tryShareLocked() {
	if l.progress.shared || !l.intake.fed {
		return
	}
	m := l.mark
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.placeLocked() < m.last {
		return
	}
	l.progress.shared = true
	l.share.low.Store(l.lowestLocked())
	m.joinLocked(l)
	l.engine.store.Record(store.Result{Subscription: l.id, Share: true})
}

// leaveShareLocked stores a cursor of the lane's own, and only then stops holding the mark back.
func (l *lane) leaveShareLocked() {
	if !l.progress.shared {
		return
	}
	l.storeCursorLocked(l.placeLocked())
	l.progress.shared = false
	l.updateLowLocked()
}

func (l *lane) goAlone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaveShareLocked()
}

func (l *lane) storeCursorLocked(c gateway.Position) {
	l.progress.stored(c)
	l.engine.store.Record(store.Result{Subscription: l.id, Cursor: &c})
}

// withPlaceLocked adds the lane's position to a result if it is worth storing.
func (l *lane) withPlaceLocked(r *store.Result) {
	if l.progress.shared {
		l.mark.touched()
		return
	}
	if !l.progress.resulted() {
		return
	}
	if c := l.placeLocked(); c > l.progress.cursor {
		l.progress.stored(c)
		r.Subscription, r.Cursor = l.id, &c
	}
}
