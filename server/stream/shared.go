package stream

import (
	"sort"
	"sync"
	"sync/atomic"

	"github.com/postrider-dev/postrider/server/gateway"
)

// recentBytes bounds the events and encodings that streams share, unless Keep sets another bound.
const recentBytes = 32 << 20

const (
	// contentBytes is the memory for sharing an event besides the event itself, including the slots of topics. frameBytes is
	// the memory for each of its frames.
	contentBytes = 256
	frameBytes   = 48
)

// Encoding is a form in which readers get events. An event is encoded once for all readers that read it at about the same
// time.
type Encoding struct {
	index  int
	encode func(event *gateway.Event, tenant string) ([]byte, error)
}

// shared is a recent event. All topics that have the event refer to it.
type shared struct {
	position gateway.Position
	// content is nil once it was forgotten. Readers then read the event from the tail or the log.
	content atomic.Pointer[content]
}

// content is an event with its frames, by the index of the encoding.
type content struct {
	event  *gateway.Event
	frames []atomic.Pointer[[]byte]
	recent *recent

	making    sync.Mutex
	bytes     int
	forgotten bool
}

// frame returns the event in an encoding. The first call encodes it.
func (c *content) frame(e *Encoding, tenant string) ([]byte, error) {
	if e.index >= len(c.frames) {
		return e.encode(c.event, tenant)
	}
	if made := c.frames[e.index].Load(); made != nil {
		return *made, nil
	}
	c.making.Lock()
	defer c.making.Unlock()
	if made := c.frames[e.index].Load(); made != nil {
		return *made, nil
	}
	made, err := e.encode(c.event, tenant)
	if err != nil {
		return nil, err
	}
	c.frames[e.index].Store(&made)
	if !c.forgotten {
		held := cap(made) + frameBytes
		c.bytes += held
		c.recent.bytes.Add(int64(held))
	}
	return made, nil
}

// recent holds the newest events of all topics, the oldest first.
type recent struct {
	bytes atomic.Int64
	// most bounds the bytes of the events.
	most int64

	mu    sync.RWMutex
	items []*shared
}

// add adds an event, which must follow all others.
func (r *recent) add(event *gateway.Event, encodings int) *shared {
	c := &content{event: event, recent: r, frames: make([]atomic.Pointer[[]byte], encodings), bytes: event.Held() + contentBytes}
	item := &shared{position: event.Position}
	item.content.Store(c)
	r.bytes.Add(int64(c.bytes))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.items = append(r.items, item)
	for len(r.items) > 1 && r.bytes.Load() > r.most {
		r.forget(r.items[0])
		r.items[0] = nil
		r.items = r.items[1:]
	}
	return item
}

func (r *recent) forget(item *shared) {
	c := item.content.Swap(nil)
	c.making.Lock()
	defer c.making.Unlock()
	c.forgotten = true
	r.bytes.Add(-int64(c.bytes))
}

// clear forgets everything.
func (r *recent) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, item := range r.items {
		r.forget(item)
	}
	r.items = nil
}

// at returns the content of the event at a position; nil if it is not held.
func (r *recent) at(p gateway.Position) *content {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i := sort.Search(len(r.items), func(i int) bool { return r.items[i].position >= p })
	if i == len(r.items) || r.items[i].position != p {
		return nil
	}
	return r.items[i].content.Load()
}
