package deliver

import (
	"sync"
	"sync/atomic"

	"github.com/postrider-dev/postrider/server/gateway"
)

// watchBuffer is the number of changes that a watcher may be behind.
const watchBuffer = 1024

// WatchFilter selects deliveries of one tenant; a zero Subscription or Position stands for all.
type WatchFilter struct {
	Tenant       gateway.TenantID
	Subscription gateway.SubscriptionID
	Position     gateway.Position
}

func (f WatchFilter) match(d *gateway.Delivery) bool {
	return f.Tenant == d.Tenant &&
		(f.Subscription == 0 || f.Subscription == d.Subscription) &&
		(f.Position == 0 || f.Position == d.Position)
}

// Watch is a watcher of deliveries.
type Watch struct {
	filter  WatchFilter
	changes chan *gateway.Delivery
	watches *watches
}

// Changes returns a channel with every change that is committed after the call of Engine.Watch. Deliveries are shared and
// must not be changed. The channel is closed by Close, or when the watcher was too slow: then it has missed changes and must
// begin again with a snapshot.
func (w *Watch) Changes() <-chan *gateway.Delivery { return w.changes }

// Close ends the watch. It may be called more than once.
func (w *Watch) Close() {
	w.watches.mu.Lock()
	defer w.watches.mu.Unlock()
	w.watches.remove(w)
}

// watches holds all watchers. Without any, a change costs one atomic load of count.
type watches struct {
	count atomic.Int32
	mu    sync.Mutex
	all   map[*Watch]struct{}
}

// Watch returns a new watcher. It receives the changes that are committed after the call, so the caller takes its snapshot
// after it.
func (e *Engine) Watch(filter WatchFilter) *Watch {
	w := &Watch{filter: filter, changes: make(chan *gateway.Delivery, watchBuffer), watches: &e.watches}
	e.watches.mu.Lock()
	defer e.watches.mu.Unlock()
	if e.watches.all == nil {
		e.watches.all = map[*Watch]struct{}{}
	}
	e.watches.all[w] = struct{}{}
	e.watches.count.Add(1)
	return w
}

// remove removes a watcher. The caller holds the lock.
func (ws *watches) remove(w *Watch) {
	if _, ok := ws.all[w]; !ok {
		return
	}
	delete(ws.all, w)
	ws.count.Add(-1)
	close(w.changes)
}

func (ws *watches) publish(d *gateway.Delivery) {
	if ws.count.Load() == 0 {
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		if !w.filter.match(d) {
			continue
		}
		select {
		case w.changes <- d:
		default:
			ws.remove(w)
		}
	}
}
