package live

import (
	"errors"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// watchPace is how often a watch of streams looks for changes, while there are few watches.
	watchPace = time.Second
	// paceWatches is the number of watches that look once in watchPace. With more watches, each looks less often: the cost of one
	// grows with the number of streams.
	paceWatches = 16
	// maxWatches bounds the number of watches. Callers have shares of them, as of streams.
	maxWatches = 96
)

// watches counts the watches of the list of streams.
type watches struct {
	mu   sync.Mutex
	held quota
}

// Watch counts a stream as a watch of the list until EndWatch, or refuses it.
func (r *Registry) Watch(opened *Stream) error {
	r.watches.mu.Lock()
	defer r.watches.mu.Unlock()
	err := r.watches.held.add(opened.holder)
	var refused *gateway.Error
	if errors.As(err, &refused) {
		refused.Message = "too many watches of streams are open; end one, or try again later"
	}
	return err
}

// EndWatch gives the place of a watch back.
func (r *Registry) EndWatch(opened *Stream) {
	r.watches.mu.Lock()
	defer r.watches.mu.Unlock()
	r.watches.held.remove(opened.holder)
}

// WatchPace is how long each watch waits before it looks again.
func (r *Registry) WatchPace() time.Duration {
	r.watches.mu.Lock()
	defer r.watches.mu.Unlock()
	return watchPace * time.Duration(max(r.watches.held.total, paceWatches)) / paceWatches
}
