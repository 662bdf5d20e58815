package deliver

import (
	"context"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

const (
	// dueReadEvery bounds how often a lane looks for due rows.
	dueReadEvery = 10 * time.Millisecond
	// maxManual bounds the manual retries that are kept in memory.
	maxManual = 1024
)

// farFuture is after every due time.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// retry is a delivery with a row, loaded for its next attempt.
type retry struct {
	delivery *gateway.Delivery
	event    *outgoing
}

// retries holds what a lane knows about its waiting rows. Between attempts that is only the time at which the next one is
// due; then the rows are read.
type retries struct {
	// due: there may be rows to read now. first: they go before new events, for the breaker has just closed.
	due, first bool
	// next is when the next known row is due; zero if none is known.
	next  time.Time
	ready []retry
	// manual holds the manual retries.
	manual []retry

	reading  bool
	lastRead time.Time
	// readers counts reads under way. changed holds the rows that were committed during them: a read may have seen an older
	// version.
	readers int
	changed map[rowKey]struct{}
}

func (r *retries) pop() retry {
	first := r.ready[0]
	r.ready = r.ready[1:]
	return first
}

// expect records a due time.
func (r *retries) expect(at time.Time) {
	if !at.IsZero() && (r.next.IsZero() || at.Before(r.next)) {
		r.next = at
	}
}

func (r *retries) committed(key rowKey) {
	if r.readers > 0 {
		r.changed[key] = struct{}{}
	}
}

func (r *retries) beginRead() {
	if r.readers++; r.readers == 1 {
		r.changed = map[rowKey]struct{}{}
	}
}

func (r *retries) endRead() {
	if r.readers--; r.readers == 0 {
		r.changed = nil
	}
}

// rowCommittedLocked records a waiting row.
func (l *lane) rowCommittedLocked(d *gateway.Delivery) {
	if d.State != gateway.DeliveryRetrying {
		return
	}
	if d.Due.IsZero() {
		// While the breaker is open or the subscription is paused, closing or resuming looks for these rows.
		l.retries.due = true
		return
	}
	l.retries.expect(d.Due)
}

// freeLocked reports whether a row that was read may be used: it is not changing, and it has not changed since it was read.
func (l *lane) freeLocked(key rowKey) bool {
	if l.inFlight.has(key) {
		return false
	}
	_, changed := l.retries.changed[key]
	if changed {
		l.retries.due = true
	}
	return !changed
}

// readDueLocked reads the rows that are due, if there may be any and there is room for them.
func (l *lane) readDueLocked(now time.Time) {
	r := &l.retries
	if !r.next.IsZero() && !now.Before(r.next) {
		r.due, r.next = true, time.Time{}
	}
	if !r.due || r.reading || len(r.ready) > 0 || l.inFlight.slots >= l.breaker.Slots(l.sub.Policy.Slots(), now) {
		return
	}
	if again := r.lastRead.Add(dueReadEvery); now.Before(again) {
		r.expect(again)
		return
	}
	if !l.mayTryLocked() {
		return
	}
	r.due, r.reading, r.lastRead, r.next = false, true, now, time.Time{}
	r.beginRead()
	limit := l.sub.Policy.Slots() + l.inFlight.rows() + 1
	l.spawn(func() { l.loadDue(limit) })
}

func (l *lane) loadDue(limit int) {
	now := time.Now()
	rows, next, err := l.waitingRows(now, limit)
	var loaded []retry
	all := true
	if err == nil {
		loaded, all, err = l.loadEvents(rows)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.retries
	r.reading = false
	defer l.dropIdlePermitLocked()
	if err != nil {
		r.endRead()
		r.due = true
		l.rowsFailedLocked(err)
		return
	}
	full := len(rows) == limit || !all
	r.due = r.due || full
	r.first = r.first && full
	r.expect(next)
	if l.breaker.Probing() || !l.activeLocked() {
		r.endRead()
		r.due = true
		l.dispatchLocked(time.Now())
		return
	}
	for _, ready := range loaded {
		if l.freeLocked(keyOf(ready.delivery)) {
			l.takeReadyLocked(ready)
		}
	}
	r.endRead()
	l.dispatchLocked(time.Now())
}

func (l *lane) takeReadyLocked(r retry) {
	if r.event == nil {
		l.giveUpLocked(r.delivery)
		return
	}
	l.retries.ready = append(l.retries.ready, r)
}

// giveUpLocked ends a delivery whose event retention has removed.
func (l *lane) giveUpLocked(d *gateway.Delivery) {
	dead := *d
	dead.State, dead.Due, dead.Manual, dead.UpdateTime = gateway.DeliveryDead, time.Time{}, false, time.Now().UTC()
	l.recordLocked(&dead)
}

func (l *lane) rowsFailedLocked(err error) {
	if l.engine.reading.Err() == nil {
		l.engine.logger.Error("read due deliveries", "subscription", l.sub.UID, "error", err)
		l.later()
	}
}

// waitingRows reads open rows: first those without a due time, then the others by due time. It returns the ones that are
// due, and when the next one is due.
func (l *lane) waitingRows(now time.Time, limit int) (due []*gateway.Delivery, next time.Time, err error) {
	rows, err := l.engine.store.OpenDeliveries(l.engine.reading, l.id, farFuture, limit)
	if err != nil {
		return nil, time.Time{}, err
	}
	i := slices.IndexFunc(rows, func(d *gateway.Delivery) bool { return d.Due.After(now) })
	if i < 0 {
		return rows, time.Time{}, nil
	}
	return rows[:i], gateway.Rebase(rows[i].Due, now), nil
}

// loadEvents loads the events of rows, at most what a lane keeps in memory. all means that none was left for later. A row
// whose event was removed is returned without an event.
func (l *lane) loadEvents(rows []*gateway.Delivery) (loaded []retry, all bool, err error) {
	if len(rows) == 0 {
		return nil, true, nil
	}
	positions := make([]gateway.Position, len(rows))
	for i, d := range rows {
		positions[i] = d.Position
	}
	events, all, err := l.engine.store.EventsWithin(l.engine.reading, positions, queueBytes)
	if err != nil {
		return nil, false, err
	}
	for _, d := range rows {
		one := retry{delivery: d}
		if event := events[d.Position]; event != nil {
			one.event = &outgoing{Event: event}
		} else if !all {
			continue
		}
		loaded = append(loaded, one)
	}
	return loaded, all, nil
}

// startManualLocked starts manual retries, regardless of the breaker.
func (l *lane) startManualLocked(now time.Time) {
	r := &l.retries
	for len(r.manual) > 0 && l.inFlight.slots < l.sub.Policy.Slots() {
		next := r.manual[0]
		free := !l.inFlight.has(keyOf(next.delivery))
		if free && !l.engine.turns.take(l, next.event.bytes()) {
			return
		}
		r.manual = r.manual[1:]
		if free {
			l.startRetryLocked(next, false, now)
		}
	}
}

// Retry makes an attempt of a delivery as soon as possible, regardless of the breaker. A dead delivery gets a fresh
// schedule. If the subscription is paused or disabled, the attempt is made when it is resumed. The errors are not found, and
// wrong state for a delivery that was delivered or has an attempt under way.
func (e *Engine) Retry(ctx context.Context, tenant gateway.TenantID, key gateway.DeliveryKey) (*gateway.Delivery, error) {
	l, err := e.lane(ctx, key.Subscription)
	if err != nil {
		return nil, err
	}
	row := rowKey{key.Position, key.Run}
	if !l.claim(row) {
		return nil, gateway.Errorf(gateway.CodeFailedPrecondition, gateway.ReasonWrongState, "an attempt is under way")
	}
	r, err := e.revive(ctx, tenant, key)
	if err != nil {
		l.unclaim(row)
		return nil, err
	}
	committed := make(chan struct{})
	e.store.Record(store.Result{Delivery: r.delivery, Committed: func() {
		l.retryNow(row, r)
		e.watches.publish(r.delivery)
		close(committed)
	}})
	select {
	case <-committed:
		return r.delivery, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// claim reserves a row for its caller.
func (l *lane) claim(key rowKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inFlight.has(key) {
		return false
	}
	l.inFlight.claim(key)
	l.retries.ready = slices.DeleteFunc(l.retries.ready, func(r retry) bool { return keyOf(r.delivery) == key })
	return true
}

func (l *lane) unclaim(key rowKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.releaseLocked(key)
	// The row may have been among the ready ones.
	l.retries.due = true
	l.dispatchLocked(time.Now())
}

func (e *Engine) revive(ctx context.Context, tenant gateway.TenantID, key gateway.DeliveryKey) (retry, error) {
	d, err := e.store.Delivery(ctx, tenant, key)
	if err != nil {
		return retry{}, err
	}
	if d.State == gateway.DeliveryDelivered {
		return retry{}, gateway.Errorf(gateway.CodeFailedPrecondition, gateway.ReasonWrongState, "it was delivered")
	}
	events, err := e.store.EventsAt(ctx, []gateway.Position{key.Position})
	if err != nil {
		return retry{}, err
	}
	event := events[key.Position]
	if event == nil {
		return retry{}, gateway.NotFound("event", d.EventID)
	}
	d.Revive(time.Now().UTC())
	return retry{delivery: d, event: &outgoing{Event: event}}, nil
}

// retryNow puts a revived delivery, whose row is stored, before all others.
func (l *lane) retryNow(key rowKey, r retry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.releaseLocked(key)
	if l.runnableLocked() && len(l.retries.manual) < maxManual {
		l.retries.manual = append(l.retries.manual, r)
	} else {
		l.retries.due = true
	}
	l.dispatchLocked(time.Now())
}
