package stream

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/match"
	"github.com/postrider-dev/postrider/server/tail"
)

// matchEvents is how many events are matched before readers are woken, more than there are in a committed group.
const matchEvents = 2048

// matcher holds each event of the tail against the filters of all topics, once, and wakes the readers of those topics that
// have something new, once for a committed group. It works while there are topics.
type matcher struct {
	tail     *tail.Tail
	recent   recent
	matched  atomic.Int64
	emptied  chan struct{} // has room for one
	encoders atomic.Int64

	// mu guards the index, too.
	mu      sync.Mutex
	working bool
	topics  map[string]*topic
	index   *match.Index[interest]
	texts   texts

	// batching: some events of the batch under way may be matched already, so a topic that is new misses them.
	batching bool
	// touched and dirty are kept for their memory.
	touched, dirty []*topic
	// missed are the topics whose readers have to find the events of the batch under way in the log.
	missed []*topic
}

// interest is that of one filter of a topic.
type interest struct {
	topic  *topic
	filter int
}

func newMatcher(recent *tail.Tail, filters *filter.Compiler) *matcher {
	m := &matcher{
		tail: recent, emptied: make(chan struct{}, 1), topics: map[string]*topic{},
	}
	m.index = match.New(&m.mu, filters, func(in interest) bool { return in.topic.left() })
	m.recent.most = recentBytes
	m.texts = texts{most: textBytes, tenants: map[gateway.TenantID]int{}}
	return m
}

// place is how far every topic is complete.
func (m *matcher) place() gateway.Position { return gateway.Position(m.matched.Load()) }

// join returns the topic of a tenant and filters, or why there is no room for one more. Leave it with leave.
func (m *matcher) join(tenant gateway.TenantID, selected *selection, policy SlowPolicy) (*topic, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := topicKey(tenant, selected)
	t := m.topics[key]
	if t == nil {
		if err := m.texts.add(tenant, selected.text()); err != nil {
			return nil, err
		}
	}
	if !m.working {
		m.working = true
		m.matched.Store(int64(m.tail.Head()))
		go m.work()
	}
	if t == nil {
		t = newTopic(key, tenant, selected, m.place())
		m.topics[key] = t
		for i, one := range selected.filters {
			t.entries = append(t.entries, m.index.Add(tenant, one, selected.expressions[i], interest{t, i}))
		}
		if m.batching {
			m.miss(t)
		}
	}
	t.readers++
	if policy == LatestByKey {
		t.keepNewest()
	}
	return t, nil
}

func (m *matcher) leave(t *topic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.readers--; t.readers > 0 {
		return
	}
	delete(m.topics, t.key)
	for _, entry := range t.entries {
		m.index.Remove(entry)
	}
	m.texts.remove(t.tenant, t.selection.text())
	if len(m.topics) == 0 {
		select {
		case m.emptied <- struct{}{}:
		default:
		}
	}
}

// work goes on until there is no topic left.
func (m *matcher) work() {
	for m.step() {
		select {
		case <-m.tail.Wait(m.place()):
		case <-m.emptied:
		}
	}
}

// step matches the events that follow. It returns false when there is nobody to match for.
func (m *matcher) step() bool {
	events, working := m.begin()
	if len(events) == 0 {
		return working
	}
	for rest := events; len(rest) > 0; {
		batch := m.index.Ask(rest)
		m.match(batch)
		rest = rest[len(batch):]
	}
	m.index.Done()
	m.publish(events[len(events)-1].Position)
	return true
}

// begin returns the events that follow. There are none when nobody is left to match for, or when the tail has forgotten some of them.
func (m *matcher) begin() (events []*gateway.Event, working bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.topics) == 0 {
		m.working = false
		m.recent.clear()
		return nil, false
	}
	events, ok := m.tail.After(m.place(), matchEvents)
	if !ok || len(events) > 0 && events[0].Position != m.place()+1 {
		m.restart()
		return nil, true
	}
	m.batching = len(events) > 0
	return events, true
}

// match puts events, which the index was asked about, into the topics that select them.
func (m *matcher) match(events []*gateway.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, event := range events {
		m.matchOne(i, event)
	}
}

func (m *matcher) matchOne(i int, event *gateway.Event) {
	m.touched = m.touched[:0]
	for _, entry := range m.index.Find(event) {
		t, bit := entry.Owner.topic, filterSet(1)<<entry.Owner.filter
		if t.set&bit != 0 || !m.selects(t, m.index.Answer(i, entry)) {
			continue
		}
		if t.set == 0 {
			m.touched = append(m.touched, t)
		}
		t.set |= bit
	}
	m.touched = slices.DeleteFunc(m.touched, func(t *topic) bool { return t.missed })
	if len(m.touched) == 0 {
		return
	}
	item := m.recent.add(event, int(m.encoders.Load()))
	for _, t := range m.touched {
		if len(t.fresh) == 0 {
			m.dirty = append(m.dirty, t)
		}
		t.fresh = append(t.fresh, slot{item, t.set})
		t.set = 0
	}
}

// selects reports whether a filter of a topic selects an event. A topic misses an event about which an expression was not asked, or was too
// slow: its readers evaluate it themselves, and nobody else waits.
func (m *matcher) selects(t *topic, answer match.Answer) bool {
	switch {
	case t.missed:
		return false
	case t.costly() || answer.Result == match.Unasked || answer.Result == match.Spent:
		m.miss(t)
	case answer.Result == match.Slow:
		t.costlyUntil = time.Now().Add(match.CostlyFor)
		m.miss(t)
	}
	return answer.Result == match.Selected && !t.missed
}

func (m *matcher) miss(t *topic) {
	t.missed, t.set = true, 0
	m.missed = append(m.missed, t)
}

// publish hands out what was matched. The place moves after all topics have their events and before anybody is woken:
// a reader that reads the position first and then a topic misses nothing.
func (m *matcher) publish(matched gateway.Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.batching = false
	waiting := make([]chan struct{}, len(m.dirty))
	for i, t := range m.dirty {
		waiting[i] = t.publish()
	}
	for _, t := range m.missed {
		waiting = append(waiting, t.restart(matched))
		t.missed = false
	}
	clear(m.missed)
	m.missed = m.missed[:0]
	m.matched.Store(int64(matched))
	for _, moved := range waiting {
		close(moved)
	}
	clear(m.dirty)
	m.dirty = m.dirty[:0]
}

// restart goes on with the newest event, after the tail has forgotten some that were not matched yet. Readers find those
// in the log, and know from their topic that they have to before the place moves.
func (m *matcher) restart() {
	head := m.tail.Head()
	var waiting []chan struct{}
	for _, t := range m.topics {
		waiting = append(waiting, t.restart(head))
	}
	m.matched.Store(int64(head))
	for _, moved := range waiting {
		close(moved)
	}
}
