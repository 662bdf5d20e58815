package deliver

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// pageEvents and pageBytes bound one read of a lane that reads by itself.
	pageEvents = 512
	pageBytes  = 4 << 20
	// pageReaders is the number of lanes that read pages from the store at once, so that many lagging lanes leave the
	// store's readers to others.
	pageReaders = 4
	// storeScanEvery is the number of positions without an event for the lane after which it stores its position.
	storeScanEvery = 10_000
)

// fillLocked reads the log if the router does not feed the lane and its queue runs low.
func (l *lane) fillLocked() {
	if l.intake.fed || l.intake.filling || !l.intake.runsLow(l.breaker.Doubtful()) {
		return
	}
	l.intake.filling = true
	l.spawn(l.readOn)
}

// readOn reads until the queue is full or the router feeds the lane.
func (l *lane) readOn() {
	for {
		room, done := l.roomToRead()
		if done {
			return
		}
		if err := l.readPage(room); err != nil {
			l.readFailed(err)
			return
		}
	}
}

func (l *lane) roomToRead() (room int, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	room = min(l.intake.room(l.breaker.Doubtful()), pageEvents)
	if l.intake.fed || room == 0 || !l.runnableLocked() || l.breaker.Probing() {
		l.intake.filling = false
		return 0, true
	}
	return room, false
}

func (l *lane) readFailed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.intake.filling = false
	if l.engine.reading.Err() != nil {
		return
	}
	l.engine.logger.Error("read the log", "subscription", l.sub.UID, "after", l.intake.scan, "error", err)
	l.later()
}

// mayBeFedLocked reports whether the router may push events to the lane. It may also do so while the lane looks for a
// delivery to probe with.
func (l *lane) mayBeFedLocked() bool {
	return l.runnableLocked() && !l.intake.fed && !l.costly() && (!l.breaker.Probing() || l.probing)
}

// readPage queues the next events, at most limit, or lets the router feed the lane when there are none.
func (l *lane) readPage(limit int) error {
	l.mu.Lock()
	after, turn, sub, expression := l.intake.scan, l.intake.turn, l.sub, l.expression
	l.mu.Unlock()
	l.loadSettled(l.engine.reading, after)
	if after >= l.engine.router.position() && l.engine.router.feed(l) {
		return nil
	}
	if l.costly() {
		l.awaitEvents(after)
	}
	events, scanned, err := l.page(sub, expression, after, limit)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// scan has moved in the meantime, so these are not the next events.
	if l.intake.turn != turn || l.intake.scan != after || l.intake.fed {
		return nil
	}
	l.intake.accept(events, scanned)
	l.updateLowLocked()
	if !l.progress.shared && l.placeLocked() >= l.progress.cursor+storeScanEvery && l.progress.window.open == 0 {
		l.storeCursorLocked(l.placeLocked())
	}
	if !l.probing {
		l.dispatchLocked(time.Now())
	}
	return nil
}

// page returns the next events that a subscription selects, at most limit: from the tail if it has them, otherwise from the
// store. It holds no lock, so the expression may take its time.
func (l *lane) page(sub *gateway.Subscription, expression *filter.Expression, after gateway.Position, limit int) (events []*gateway.Event, scanned gateway.Position, err error) {
	if recent, ok := l.engine.tail.After(after, pageEvents); ok {
		if len(recent) > 0 {
			after = recent[len(recent)-1].Position
		}
		events, scanned = l.choose(recent, sub, expression, after, limit)
		return events, scanned, nil
	}
	read := limit
	if expression != nil {
		// The subscription may select few of them.
		read = pageEvents
	}
	events, scanned, err = l.engine.readStore(sub, after, read)
	if err != nil {
		return nil, 0, err
	}
	events, scanned = l.choose(events, sub, expression, scanned, limit)
	return events, scanned, nil
}

func (e *Engine) readStore(sub *gateway.Subscription, after gateway.Position, limit int) ([]*gateway.Event, gateway.Position, error) {
	select {
	case e.pages <- struct{}{}:
		defer func() { <-e.pages }()
	case <-e.reading.Done():
		return nil, 0, e.reading.Err()
	}
	return e.store.ReadMatching(e.reading, sub.Tenant, sub.Filter, after, e.store.Head(), limit, pageBytes)
}

// choose returns the events that the subscription selects, at most limit. scanned is the position up to which the caller has
// read the log. The returned position is lower if the limit ends the search early.
func (l *lane) choose(among []*gateway.Event, sub *gateway.Subscription, expression *filter.Expression, scanned gateway.Position, limit int) (chosen []*gateway.Event, upTo gateway.Position) {
	for i, event := range among {
		if len(chosen) == limit {
			return chosen, among[i-1].Position
		}
		if l.failures.aside.Load() {
			return nil, scanned // the lane no longer needs this page
		}
		if event.Tenant != sub.Tenant || !sub.Filter.Match(event.Type) {
			continue
		}
		if expression == nil || l.chooses(expression, l.engine.filters.Subject(event)) {
			chosen = append(chosen, event)
		}
	}
	return chosen, scanned
}

// loadSettled reads which positions above the stored one already have a row. It does so once, and only if events from before
// the start are to be delivered. before is the position before the next event.
func (l *lane) loadSettled(ctx context.Context, before gateway.Position) {
	l.mu.Lock()
	from, needed := l.intake.scan, l.intake.unsettled && before < l.engine.startHead
	l.mu.Unlock()
	if !needed {
		return
	}
	for {
		positions, err := l.engine.store.SettledAbove(ctx, l.id, from, l.engine.startHead)
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.intake.setSettled(positions)
			return
		}
		if ctx.Err() != nil {
			return
		}
		l.engine.logger.Error("read settled deliveries", "subscription", l.id, "error", err)
		wait(ctx, time.Second)
	}
}
