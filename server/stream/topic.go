package stream

import (
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/match"
)

// topicEvents is the number of newest events that a topic keeps. It covers several committed groups and is larger than
// maxWaiting. A reader that is further behind reads the log.
const topicEvents = 2048

// topic is shared by the streams of one tenant with equal filters: each event is matched once, whatever the number of
// readers. A topic numbers its events, so that the number of events that wait for a reader is a subtraction.
type topic struct {
	key       string
	tenant    gateway.TenantID
	selection *selection
	// readers is guarded by the matcher's lock.
	readers int
	// set and fresh belong to the matcher: the filters that select the current event, and the events that readers cannot see
	// yet.
	set   filterSet
	fresh []slot
	// entries holds the entries of the filters in the matcher's index.
	entries []*match.Entry[interest]
	// costlyUntil is the time until which the matcher leaves matching to the readers, because an expression took long.
	// missed means that it has left an event of the current batch to them. Both belong to the matcher.
	costlyUntil time.Time
	missed      bool

	mu sync.Mutex
	// slots holds the newest events; the last one has the number next-1. Readers share the slice: its elements never change.
	slots []slot
	next  int64
	// since is the number of the first event after the last restart. Numbers before it are no longer valid.
	since int64
	// floor is the position after which no event is missing from slots, up to the matcher's position.
	floor gateway.Position
	// moved is closed when there are new slots.
	moved chan struct{}
	// newest is nil as long as no reader needs it.
	newest *newestByKey
}

// slot is an event of a topic with the filters that select it.
type slot struct {
	event *shared
	set   filterSet
}

func newTopic(key string, tenant gateway.TenantID, selected *selection, after gateway.Position) *topic {
	return &topic{key: key, tenant: tenant, selection: selected, floor: after, moved: make(chan struct{})}
}

// costly reports whether the matcher leaves the topic to its readers because an expression took long. left reports whether
// it does so for any reason. The caller holds the matcher's lock.
func (t *topic) costly() bool { return !t.costlyUntil.IsZero() && time.Now().Before(t.costlyUntil) }

func (t *topic) left() bool { return t.missed || t.costly() }

// topicKey returns the same key for streams that can share a topic.
func topicKey(tenant gateway.TenantID, selected *selection) string {
	var key strings.Builder
	key.WriteString(strconv.FormatInt(int64(tenant), 10))
	for _, one := range selected.filters {
		key.WriteString("\n")
		if !one.MatchesAll() {
			key.WriteString(strings.Join(one.Types, " "))
		}
		key.WriteString(strconv.Quote(one.Expression))
	}
	return key.String()
}

// keepNewest records the newest event of each key from now on.
func (t *topic) keepNewest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.newest != nil {
		return
	}
	t.newest = newNewestByKey()
	for _, one := range t.slots {
		if c := one.event.content.Load(); c != nil {
			t.newest.add(c.event)
		}
	}
}

// publish makes the fresh events visible to the readers. It returns the channel to close when the matcher's position has
// moved.
func (t *topic) publish() (moved chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slots = append(t.slots, t.fresh...)
	t.next += int64(len(t.fresh))
	if t.newest != nil {
		for _, one := range t.fresh {
			if c := one.event.content.Load(); c != nil {
				t.newest.add(c.event)
			}
		}
	}
	clear(t.fresh)
	t.fresh = t.fresh[:0]
	t.trim()
	moved, t.moved = t.moved, make(chan struct{})
	return moved
}

// trim removes the oldest events. It also removes events whose content was forgotten, unless Drop may need their number.
func (t *topic) trim() {
	n := max(0, len(t.slots)-topicEvents)
	for n < len(t.slots)-maxWaiting && t.slots[n].event.content.Load() == nil {
		n++
	}
	if n > 0 {
		t.floor = t.slots[n-1].event.position
		t.slots = t.slots[n:]
	}
}

// restart continues after a position, without the events before it. Every reader has to read the log.
func (t *topic) restart(after gateway.Position) (moved chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slots, t.floor = nil, after
	t.next++ // so that no reader considers itself at the end
	t.since = t.next
	if t.newest != nil {
		t.newest = newNewestByKey()
	}
	moved, t.moved = t.moved, make(chan struct{})
	return moved
}

// find returns the number of the first event after a position; ok is false when events after it are missing from the topic.
func (t *topic) find(after gateway.Position) (number int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if after < t.floor {
		return 0, false
	}
	i := sort.Search(len(t.slots), func(i int) bool { return t.slots[i].event.position > after })
	return t.first() + int64(i), true
}

// first returns the number of the oldest event that is kept.
func (t *topic) first() int64 { return t.next - int64(len(t.slots)) }

// view is what a reader sees of a topic at one moment.
type view struct {
	// complete means that the topic has all events from the number on. If not, slots is empty.
	complete bool
	// counted means that the number is still valid.
	counted bool
	// slots holds the events from the number on, at most pageEvents. They must not be changed.
	slots []slot
	// skip has a bit for each slot; it is set for those that LatestByKey drops.
	skip [pageEvents / 64]uint64
	// next is the number of the next event.
	next int64
	// moved is closed when there are more events.
	moved <-chan struct{}
}

func (v *view) skips(i int) bool { return v.skip[i/64]&(1<<(i%64)) != 0 }

// from returns a view of the events from a number on.
func (t *topic) from(number int64, policy SlowPolicy) view {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.view(number, policy)
}

// newestFew returns the number of the first of the newest events, and a view of them.
func (t *topic) newestFew(waiting int64) (number int64, v view) {
	t.mu.Lock()
	defer t.mu.Unlock()
	number = t.next - waiting
	return number, t.view(number, Drop)
}

func (t *topic) view(number int64, policy SlowPolicy) view {
	v := view{complete: number >= t.first(), counted: number >= t.since, next: t.next, moved: t.moved}
	if !v.complete {
		return v
	}
	rest := t.slots[number-t.first():]
	v.slots = rest[:min(len(rest), pageEvents):min(len(rest), pageEvents)]
	if policy == LatestByKey {
		for i, one := range v.slots {
			if c := one.event.content.Load(); c != nil && t.newest.superseded(c.event) {
				v.skip[i/64] |= 1 << (i % 64)
			}
		}
	}
	return v
}

// superseded returns the events of a page that have a newer event with the same key, in the page or in the topic.
func (t *topic) superseded(page []*gateway.Event) map[*gateway.Event]bool {
	inPage := newNewestByKey()
	for _, event := range page {
		inPage.add(event)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	found := map[*gateway.Event]bool{}
	for _, event := range page {
		if inPage.superseded(event) || t.newest != nil && t.newest.superseded(event) {
			found[event] = true
		}
	}
	return found
}
