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

// topicEvents is how many of its newest events a topic keeps: some committed groups, and more than maxWaiting. Who is further
// behind reads the log.
const topicEvents = 2048

// topic is what streams of one tenant with equal filters share: each event is held against the filters once, whatever the
// number of readers. It counts its events from the start of the topic, so that how many wait for a reader is a subtraction.
type topic struct {
	key       string
	tenant    gateway.TenantID
	selection *selection
	// readers is guarded by the matcher.
	readers int
	// set and fresh are the matcher's: what selects the event in hand, and the events not yet handed to the readers.
	set   filterSet
	fresh []slot
	// entries are those of the filters in the matcher's index.
	entries []*match.Entry[interest]
	// costlyUntil is until when the matcher leaves the topic to its readers, because an expression took long; missed says
	// that it has left an event of the batch under way to them. Both are the matcher's.
	costlyUntil time.Time
	missed      bool

	mu sync.Mutex
	// slots hold the newest events, the last of them number next-1. Readers share the slice: its elements never change.
	slots []slot
	next  int64
	// since is the number of the first event after the last restart: numbers before it say nothing.
	since int64
	// floor is the place after which no event is missing from slots, up to where the matcher has come.
	floor gateway.Position
	// moved is closed when there are new slots.
	moved chan struct{}
	// newest is nil unless a reader needs it.
	newest *newestByKey
}

// slot is an event of a topic, and which filters select it.
type slot struct {
	event *shared
	set   filterSet
}

func newTopic(key string, tenant gateway.TenantID, selected *selection, after gateway.Position) *topic {
	return &topic{key: key, tenant: tenant, selection: selected, floor: after, moved: make(chan struct{})}
}

// costly reports whether the matcher leaves the topic to its readers because an expression took long, left whether it does so for any
// reason. The matcher's lock is held.
func (t *topic) costly() bool { return !t.costlyUntil.IsZero() && time.Now().Before(t.costlyUntil) }

func (t *topic) left() bool { return t.missed || t.costly() }

// topicKey is equal for those who can share a topic.
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

// keepNewest remembers from now on where the newest event of each key is.
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

// publish hands the fresh events to the readers. It returns the channel to close when the matcher's place has moved.
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

// trim lets go of the oldest events, and of those whose content is forgotten unless Drop may need their number.
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

// restart goes on after a place, with everything before it missing. Every reader has to read the log.
func (t *topic) restart(after gateway.Position) (moved chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slots, t.floor = nil, after
	t.next++ // Nobody may take itself for being at the end.
	t.since = t.next
	if t.newest != nil {
		t.newest = newNewestByKey()
	}
	moved, t.moved = t.moved, make(chan struct{})
	return moved
}

// find returns the number of the first event after a place; ok is false when events after it are missing here.
func (t *topic) find(after gateway.Position) (number int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if after < t.floor {
		return 0, false
	}
	i := sort.Search(len(t.slots), func(i int) bool { return t.slots[i].event.position > after })
	return t.first() + int64(i), true
}

// first is the number of the oldest event that is kept.
func (t *topic) first() int64 { return t.next - int64(len(t.slots)) }

// view is what a topic has for a reader at one moment.
type view struct {
	// complete says that the topic has all events from the number on. Otherwise slots is empty.
	complete bool
	// counted says that the number is still one that the topic counts from.
	counted bool
	// slots are the events from the number on, at most pageEvents. They must not be changed.
	slots []slot
	// skip has a bit for each of the slots that LatestByKey leaves out.
	skip [pageEvents / 64]uint64
	// next is the number that the next event will have.
	next int64
	// moved is closed when there is more.
	moved <-chan struct{}
}

func (v *view) skips(i int) bool { return v.skip[i/64]&(1<<(i%64)) != 0 }

// from returns the events from a number on.
func (t *topic) from(number int64, policy SlowPolicy) view {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.view(number, policy)
}

// newestFew returns the number of the first of the newest events, and those events.
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

// superseded says which events of a page have a newer one with the same key, in the page or later.
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
