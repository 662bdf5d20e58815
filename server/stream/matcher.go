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

// matchEvents is the number of events that are matched before readers are woken. It is larger than a committed group.
const matchEvents = 2048

// matcher matches each event of the tail once against the filters of all topics. After each committed group it wakes the
// readers of the topics that have new events. It runs while there are topics.
type matcher struct {
	tail     *tail.Tail
	recent   recent
	matched  atomic.Int64
	emptied  chan struct{} // has a buffer of one
	encoders atomic.Int64

	// mu also guards the index.
	mu      sync.Mutex
	working bool
	topics  map[string]*topic
	index   *match.Index[interest]
	texts   texts

	// batching means that some events of the current batch may be matched already, so a new topic misses them.
	batching bool
	// touched and dirty are reused, to save allocations.
	touched, dirty []*topic
	// missed holds the topics whose readers must read the events of the current batch from the log.
	missed []*topic
}

// interest is one filter of a topic, in the index.
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

// place returns the position up to which every topic is complete.
func (m *matcher) place() gateway.Position { return gateway.Position(m.matched.Load()) }

// join returns the topic of a tenant and filters, or an error if there is no room for another topic. The caller must call
// leave.
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

// work runs until there is no topic left.
func (m *matcher) work() {
	for m.step() {
		select {
		case <-m.tail.Wait(m.place()):
		case <-m.emptied:
		}
	}
}

// step matches the next events. It returns false when there are no topics.
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

// begin returns the next events. It returns none when there are no topics, or when the tail has forgotten some of the next
// events.
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

// match adds events, for which the index has evaluated the expressions, to the topics that select them.
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

// selects reports whether a filter of a topic selects an event. If the expression was not evaluated or was too slow, the
// topic misses the event: its readers evaluate the expression themselves, and no other topic waits for it.
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

// publish makes the matched events visible to readers. The position moves after all topics have their events, and before any
// reader is woken. So a reader that reads first the position and then a topic misses nothing.
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

// restart continues with the newest event when the tail has forgotten events that were not matched yet. Readers find those
// in the log. Before the position moves, every topic records that its readers must do so.
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
