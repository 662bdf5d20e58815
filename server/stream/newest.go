package stream

import (
	"container/list"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Bounds of the memory for dropping events that have a newer event with the same key. For a key that was forgotten, older
// events may be sent as well.
const (
	maxKeys     = 16_384
	maxKeyBytes = 1 << 20
)

// newestByKey holds the position of the newest event of each key.
type newestByKey struct {
	keys map[string]*list.Element // of newest
	// order holds the keys by the age of their newest event, the oldest first.
	order list.List
	bytes int
}

type newest struct {
	key string
	at  gateway.Position
}

func newNewestByKey() *newestByKey { return &newestByKey{keys: map[string]*list.Element{}} }

// add adds an event, which must follow all others.
func (n *newestByKey) add(event *gateway.Event) {
	key := keyOf(event)
	if key == "" {
		return
	}
	if known := n.keys[key]; known != nil {
		known.Value = newest{key, event.Position}
		n.order.MoveToBack(known)
		return
	}
	n.keys[key] = n.order.PushBack(newest{key, event.Position})
	n.bytes += len(key)
	for len(n.keys) > maxKeys || n.bytes > maxKeyBytes {
		oldest, _ := n.order.Remove(n.order.Front()).(newest)
		delete(n.keys, oldest.key)
		n.bytes -= len(oldest.key)
	}
}

// superseded reports whether there is a newer event with the same key.
func (n *newestByKey) superseded(event *gateway.Event) bool {
	known := n.keys[keyOf(event)]
	if known == nil {
		return false
	}
	one, _ := known.Value.(newest)
	return one.at > event.Position
}
