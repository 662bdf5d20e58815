// Package live is the registry of open streams. It bounds their number, ends those whose caller would be refused by now, and lists
// those that carry events, so that they can be shown, ended and renewed. It knows no transport.
package live

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
)

// checkInterval is the time between two checks of the credentials of all open streams: a revocation and a sign-out must end them within a
// second.
const checkInterval = 500 * time.Millisecond

// Registry holds the streams that are open.
type Registry struct {
	access *access.Control

	mu      sync.Mutex
	streams map[*Stream]struct{}
	held    quota
	// listed are the streams of events by id; opened counts them, also those that are closed again.
	listed map[string]*Stream
	opened int64

	watches watches
}

// New makes a registry for at most that number of streams.
func New(control *access.Control, most int) *Registry {
	return &Registry{
		access: control, streams: map[*Stream]struct{}{}, listed: map[string]*Stream{}, held: newQuota(most),
		watches: watches{held: newQuota(maxWatches)},
	}
}

// Stream is an open stream of any kind.
type Stream struct {
	end context.CancelCauseFunc
	// from is the client's address and user agent; holder is who the stream is counted for.
	from   Origin
	holder holder
	// caller is the one who opened it or renewed it last; Registry.mu guards it.
	caller access.Caller
	// events is set for a stream of events, once it is listed; Registry.mu guards it.
	events *events
	// over reports that the stream was told to end; then it cannot be renewed. Registry.mu guards it.
	over bool
}

// Origin is where a stream comes from.
type Origin struct{ Address, UserAgent string }

// maxUserAgent bounds the part of a User-Agent header that is kept.
const maxUserAgent = 256

// NewOrigin makes the origin of a request.
func NewOrigin(address string, header http.Header) Origin {
	agent := header.Get("User-Agent")
	return Origin{address, strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "")}
}

// Open registers a stream of the context's caller until Close, or refuses it. The context that it returns is cancelled with the reason
// for which the stream ends.
func (r *Registry) Open(ctx context.Context, from Origin) (context.Context, *Stream, error) {
	c := access.Of(ctx)
	who := newHolder(c, from)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.held.add(who); err != nil {
		return ctx, nil, err
	}
	ctx, end := context.WithCancelCause(ctx)
	opened := &Stream{end: end, from: from, holder: who, caller: c}
	r.streams[opened] = struct{}{}
	return ctx, opened, nil
}

// Close forgets a stream.
func (r *Registry) Close(opened *Stream) {
	r.mu.Lock()
	delete(r.streams, opened)
	r.held.remove(opened.holder)
	if opened.events != nil {
		delete(r.listed, opened.events.ID)
	}
	r.mu.Unlock()
	opened.end(nil)
}

// Run ends streams whose key is revoked or whose session is over, until ctx ends.
func (r *Registry) Run(ctx context.Context) error {
	ticker := time.NewTicker(checkInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			r.check(ctx)
		}
	}
}

func (r *Registry) check(ctx context.Context) {
	for shared, c := range r.callers() {
		if err := r.access.StillGood(ctx, c); err != nil {
			r.endAll(shared, err)
		}
	}
}

// callers returns one caller for each proof. Connections that are not authenticated yet are left out; they have their own time limit.
func (r *Registry) callers() map[access.Proof]access.Caller {
	r.mu.Lock()
	defer r.mu.Unlock()
	callers := map[access.Proof]access.Caller{}
	for opened := range r.streams {
		if opened.caller.Known() {
			callers[opened.caller.Proof()] = opened.caller
		}
	}
	return callers
}

// endAll ends the streams that still depend on this proof; a stream that was renewed meanwhile has another one.
func (r *Registry) endAll(shared access.Proof, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for opened := range r.streams {
		if opened.caller.Proof() == shared {
			opened.stop(cause)
		}
	}
}

// stop tells a stream to end. It is called with Registry.mu held.
func (s *Stream) stop(cause error) {
	s.over = true
	s.end(cause)
}

// Disconnect ends a tenant's stream of events.
func (r *Registry) Disconnect(tenant gateway.TenantID, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	opened, err := r.find(tenant, id)
	if err == nil {
		opened.stop(errDisconnected())
	}
	return err
}

// errDisconnected has a code after which clients do not reconnect.
func errDisconnected() error {
	return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonDisconnected, "an operator ended the stream")
}

// find returns a tenant's stream of events. It is called with mu held.
func (r *Registry) find(tenant gateway.TenantID, id string) (*Stream, error) {
	opened, ok := r.listed[id]
	if !ok || opened.over || opened.events.tenant.ID != tenant {
		return nil, gateway.NotFound("stream", id)
	}
	return opened, nil
}

// Streams returns a tenant's streams of events, the oldest first.
func (r *Registry) Streams(tenant gateway.TenantID) []View {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []View
	for _, opened := range r.listed {
		if opened.events.tenant.ID == tenant {
			found = append(found, opened.view())
		}
	}
	slices.SortFunc(found, func(a, b View) int { return cmp.Compare(a.Number, b.Number) })
	return found
}

// Count returns how many streams of events each tenant has open.
func (r *Registry) Count() map[gateway.TenantID]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := map[gateway.TenantID]int{}
	for _, opened := range r.listed {
		counts[opened.events.tenant.ID]++
	}
	return counts
}
