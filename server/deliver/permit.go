package deliver

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// permits is the number of attempts by lanes in doubt that may begin within permitTime.
	permits = 4
	// permitTime is how long an attempt keeps its permit. So an attempt that hangs costs only its connection. An attempt
	// that fails at once keeps its permit as long, so that the attempts of a thousand such lanes are spread over five
	// seconds.
	permitTime = 20 * time.Millisecond
	// probesEvery: every n-th permit is for a probe where both wait.
	probesEvery = 4
)

// line is the queue of lanes in doubt that wait for a permit. A lane is in doubt if its endpoint has failed and has not worked since.
// Without permits, a thousand dead endpoints would be tried at once with each event, and probed at once, and their attempts and results
// would delay all others. If the outcome is known within permitTime, the permit is passed on after the outcome is stored, so the
// store sets the pace. A lane whose endpoint works, or is new, needs no permit.
type line struct {
	mu    sync.Mutex
	taken int
	// trying and probing hold the lanes in line. A lane whose breaker is closed has failed only a few times, and goes before
	// lanes whose endpoint has been dead for a while.
	trying, probing laneQueue
	passed          int
}

// laneQueue holds lanes, each once. Tenants take turns; the lanes of a tenant are in order of arrival.
type laneQueue struct {
	of      map[gateway.TenantID][]*lane
	tenants []gateway.TenantID
}

func (q *laneQueue) push(l *lane) {
	if q.of == nil {
		q.of = map[gateway.TenantID][]*lane{}
	}
	if len(q.of[l.tenant]) == 0 {
		q.tenants = append(q.tenants, l.tenant)
	}
	q.of[l.tenant] = append(q.of[l.tenant], l)
}

// pop returns the next lane, nil when there is none.
func (q *laneQueue) pop() *lane {
	if len(q.tenants) == 0 {
		return nil
	}
	tenant := q.tenants[0]
	q.tenants = q.tenants[1:]
	lanes := q.of[tenant]
	l := lanes[0]
	lanes[0] = nil
	if lanes = lanes[1:]; len(lanes) == 0 {
		delete(q.of, tenant)
		return l
	}
	q.of[tenant] = lanes
	q.tenants = append(q.tenants, tenant)
	return l
}

// lanePermit is a lane's part of the line. line.mu guards inLine, and the lane's lock the other fields.
type lanePermit struct {
	// permit is one that no attempt has used yet. permitted: the lane already had the permit that its next attempt needs.
	permit    *permit
	permitted bool
	// inLine: the lane waits for a permit.
	inLine bool
}

// has reports whether a lane waits for a permit.
func (q *line) has(l *lane) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return l.doubt.inLine
}

// permit is the right to begin an attempt.
type permit struct {
	line *line
	once sync.Once
	// uses counts what still needs the permit: the attempt's permitTime, and each result that is to be stored.
	uses atomic.Int32
}

// take returns a permit. If it returns nil, the lane is called when it has one.
func (q *line) take(l *lane) *permit {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken < permits {
		q.taken++
		return &permit{line: q}
	}
	if l.doubt.inLine {
		return nil
	}
	l.doubt.inLine = true
	if l.breaker.Probing() {
		q.probing.push(l)
	} else {
		q.trying.push(l)
	}
	return nil
}

// end passes the permit on. It may be called more than once, and while lanes are locked.
func (t *permit) end() { t.once.Do(t.line.next) }

func (q *line) next() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.passed++
	first, second := &q.trying, &q.probing
	if q.passed%probesEvery == 0 {
		first, second = second, first
	}
	l := first.pop()
	if l == nil {
		l = second.pop()
	}
	if l == nil {
		q.taken--
		return
	}
	l.doubt.inLine = false
	go l.called(&permit{line: q})
}

// called gives the lane a permit. If the lane has no use for it, the next one gets it.
func (l *lane) called(t *permit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropPermitLocked()
	l.doubt.permit = t
	l.dispatchLocked(time.Now())
	l.dropIdlePermitLocked()
}

// dropIdlePermitLocked passes the permit on if no attempt is about to use it.
func (l *lane) dropIdlePermitLocked() {
	if !l.searching && !l.retries.reading && !(l.turn.queued && l.runnableLocked()) {
		l.dropPermitLocked()
	}
}

// mayTryLocked reports whether an attempt may begin, and keeps the permit that it needs.
func (l *lane) mayTryLocked() bool {
	if l.doubt.permit == nil && !l.doubt.permitted && l.breaker.Doubtful() {
		l.doubt.permit = l.engine.line.take(l)
		return l.doubt.permit != nil
	}
	return true
}

// usePermitLocked gives the lane's permit to an attempt.
func (l *lane) usePermitLocked(a *attempt) {
	l.doubt.permitted = false
	if a.permit, l.doubt.permit = l.doubt.permit, nil; a.permit != nil {
		a.permit.use()
		time.AfterFunc(permitTime, a.permit.done)
	}
}

// use adds a use of the permit. use and done do nothing for nil: the attempt needed no permit.
func (t *permit) use() {
	if t != nil {
		t.uses.Add(1)
	}
}

// done ends one use of the permit. After the last use the permit is passed on.
func (t *permit) done() {
	if t != nil && t.uses.Add(-1) == 0 {
		t.end()
	}
}

func (l *lane) dropPermitLocked() {
	if l.doubt.permit != nil {
		l.doubt.permit.end()
		l.doubt.permit = nil
	}
}
