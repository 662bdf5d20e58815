package stream

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/tail"
)

// matchEvents is how many events are matched before readers are woken, more than there are in a committed group.
const matchEvents = 2048

// matcher holds each event of the tail against the filters of all topics, once, and wakes the readers of those topics that
// have something new, once for a committed group. It works while there are topics.
type matcher struct {
	tail     *tail.Tail
	filters  *filter.Compiler
	recent   recent
	matched  atomic.Int64
	emptied  chan struct{} // has room for one
	encoders atomic.Int64

	mu      sync.Mutex
	working bool
	topics  map[string]*topic
	index   index
	texts   texts

	// found, touched and dirty are kept for their memory.
	found          []interest
	touched, dirty []*topic
	// subject is the event in hand as expressions see it, once one was asked.
	subject *filter.Subject
	// spent is what the expressions of each tenant took with the batch under way.
	spent map[gateway.TenantID]time.Duration
	// missed are the topics whose readers have to find the events of the batch under way in the log.
	missed []*topic
}

func newMatcher(recent *tail.Tail, filters *filter.Compiler) *matcher {
	m := &matcher{
		tail: recent, filters: filters, emptied: make(chan struct{}, 1), topics: map[string]*topic{}, index: index{},
		spent: map[gateway.TenantID]time.Duration{},
	}
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
		m.index.add(t)
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
	m.index.remove(t)
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
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.topics) == 0 {
		m.working = false
		m.recent.clear()
		return false
	}
	events, ok := m.tail.After(m.place(), matchEvents)
	if !ok || len(events) > 0 && events[0].Position != m.place()+1 {
		m.restart()
		return true
	}
	for _, event := range events {
		m.match(event)
	}
	if len(events) > 0 {
		m.publish(events[len(events)-1].Position)
	}
	return true
}

// match puts an event into the topics that select it.
func (m *matcher) match(event *gateway.Event) {
	m.found = m.index.match(event, m.found[:0])
	m.touched, m.subject = m.touched[:0], nil
	for _, one := range m.found {
		bit := filterSet(1) << one.filter
		if one.topic.set&bit != 0 || !m.selects(one, event) {
			continue
		}
		if one.topic.set == 0 {
			m.touched = append(m.touched, one.topic)
		}
		one.topic.set |= bit
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

const (
	// costlyFor is how long a topic is left to its readers after an expression took long.
	costlyFor = time.Minute
	// tenantTime is what the expressions of a tenant may take of the matcher with a batch, compiling them and reading the
	// payload included.
	tenantTime = 5 * time.Millisecond
)

// selects reports whether a filter of a topic selects an event. A topic with an expression that takes long misses it, or one whose
// tenant's expressions took long together: its readers evaluate it themselves, and nobody else waits.
func (m *matcher) selects(one interest, event *gateway.Event) bool {
	t := one.topic
	if t.missed {
		return false
	}
	if !t.costlyUntil.IsZero() && time.Now().Before(t.costlyUntil) {
		m.miss(t)
		return false
	}
	expression := t.selection.expressions[one.filter]
	if expression == nil {
		return true
	}
	if m.spent[t.tenant] > tenantTime {
		m.miss(t)
		return false
	}
	if m.subject == nil {
		m.subject = m.filters.Subject(event)
	}
	began := time.Now()
	verdict, ok := expression.Quick(m.subject)
	m.spent[t.tenant] += time.Since(began)
	if !ok {
		t.costlyUntil = time.Now().Add(costlyFor)
		m.miss(t)
	}
	return verdict.Matched && ok
}

func (m *matcher) miss(t *topic) {
	t.missed, t.set = true, 0
	m.missed = append(m.missed, t)
}

// publish hands out what was matched. The place moves after all topics have their events and before anybody is woken:
// a reader that reads the position first and then a topic misses nothing.
func (m *matcher) publish(matched gateway.Position) {
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
	clear(m.spent)
	m.subject = nil
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
