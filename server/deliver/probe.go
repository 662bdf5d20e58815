package deliver

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// probeRows is the number of rows that are examined to find one to probe with.
const probeRows = 64

// probeLocked sends one attempt to find out whether the endpoint is back, when it is time to.
func (l *lane) probeLocked(now time.Time) {
	if l.probing || l.breaker.Slots(1, now) == 0 || !l.mayStartLocked() {
		return
	}
	l.probing, l.searching = true, true
	// The rows will be read again, with their due times.
	l.retries.next = time.Time{}
	l.retries.beginRead()
	limit := probeRows + l.inFlight.rows()
	l.spawn(func() { l.findProbe(limit) })
}

// findProbe looks for a delivery to probe with: first the one waiting for the breaker that was probed least, then the next
// event, then a delivery that is due by its own schedule. If there is none, the router feeds the lane, and the next event
// becomes the probe.
func (l *lane) findProbe(limit int) {
	now := time.Now()
	rows, next, err := l.waitingRows(now, limit)
	if err != nil {
		l.endProbe(err)
		return
	}
	if d := l.leastProbed(rows); d != nil {
		l.probeRow(d)
		return
	}
	if started, err := l.probeNext(); started || err != nil {
		if err != nil {
			l.endProbe(err)
		}
		return
	}
	if d := l.firstScheduled(rows); d != nil {
		l.probeRow(d)
		return
	}
	l.mu.Lock()
	l.retries.expect(next)
	l.mu.Unlock()
	l.endProbe(nil)
}

// leastProbed returns, of the rows that wait for the breaker, the one that was probed least. So probes go to successive
// events.
func (l *lane) leastProbed(rows []*gateway.Delivery) (least *gateway.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range rows {
		if d.Due.IsZero() && (least == nil || d.Probes < least.Probes) && l.freeLocked(keyOf(d)) {
			least = d
		}
	}
	return least
}

func (l *lane) firstScheduled(rows []*gateway.Delivery) *gateway.Delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range rows {
		if !d.Due.IsZero() && l.freeLocked(keyOf(d)) {
			return d
		}
	}
	return nil
}

// probeRow probes with a delivery that has a row.
func (l *lane) probeRow(d *gateway.Delivery) {
	loaded, _, err := l.loadEvents([]*gateway.Delivery{d})
	if err != nil {
		l.endProbe(err)
		return
	}
	l.mu.Lock()
	if loaded[0].event == nil && l.freeLocked(keyOf(d)) {
		l.giveUpLocked(d)
	}
	start := loaded[0].event != nil && l.mayProbeLocked() && l.freeLocked(keyOf(d))
	if start {
		l.retries.endRead()
		l.startRetryLocked(loaded[0], true, time.Now())
	}
	l.mu.Unlock()
	if !start {
		l.endProbe(nil)
	}
}

// probeNext probes with the next event, if there is one.
func (l *lane) probeNext() (started bool, err error) {
	for {
		started, more := l.startNext()
		if started || !more {
			return started, nil
		}
		if err := l.readPage(1); err != nil {
			return false, err
		}
	}
}

func (l *lane) startNext() (started, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mayProbeLocked() {
		return false, false
	}
	if l.intake.queue.len() == 0 {
		return false, !l.intake.fed
	}
	l.retries.endRead()
	l.startFirstLocked(l.intake.queue.pop(), true, time.Now())
	return true, true
}

// mayProbeLocked reports whether a probe is still wanted.
func (l *lane) mayProbeLocked() bool {
	return l.runnableLocked() && l.breaker.Probing() && l.breaker.Slots(1, time.Now()) > 0
}

// endProbe ends the search without a probe. If the lane has changed since the search began, another one may begin.
func (l *lane) endProbe(err error) {
	l.stopProbe(err)
	l.engine.turns.give(l, 0)
}

func (l *lane) stopProbe(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed := len(l.retries.changed) > 0 || l.intake.queue.len() > 0 || !l.breaker.Probing()
	l.probing, l.searching = false, false
	l.dropPermitLocked()
	l.retries.endRead()
	switch {
	case err != nil:
		l.rowsFailedLocked(err)
	case changed:
		l.dispatchLocked(time.Now())
	default:
		l.setTimerLocked(time.Now())
	}
}
