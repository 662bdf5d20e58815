package rpc

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/wire"
)

// streamCheck is how often the keys of open streams are checked: a revocation and a sign-out must take effect within a second.
const streamCheck = 500 * time.Millisecond

// openStreams is the registry of open streams. It bounds their number, and ends streams whose caller would be refused by now.
// Streams of events are listed, so that they can be shown, ended and renewed.
type openStreams struct {
	access *access.Control

	mu      sync.Mutex
	streams map[*openStream]struct{}
	held    quota
	// listed are the live streams by id; opened counts them, also those that are closed again.
	listed map[string]*openStream
	opened int64
	// watches counts the watches of the list.
	watches streamWatches
}

// openStream is a stream of any kind.
type openStream struct {
	end context.CancelCauseFunc
	// from is the client's address and user agent; holder is who the stream is counted for.
	from   origin
	holder holder
	// caller is the one who opened it or renewed it last; openStreams.mu guards it.
	caller access.Caller
	// live is set for a stream that carries events, once it is listed; openStreams.mu guards it.
	live *liveStream
	// over reports that it was told to end; then it cannot be renewed. openStreams.mu guards it.
	over bool
}

// origin is where a stream comes from.
type origin struct{ address, userAgent string }

// maxUserAgent bounds the part of a User-Agent header that is kept.
const maxUserAgent = 256

func newOrigin(address string, header http.Header) origin {
	agent := header.Get("User-Agent")
	return origin{address, strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "")}
}

func newOpenStreams(a *access.Control, limit int) *openStreams {
	return &openStreams{
		access: a, streams: map[*openStream]struct{}{}, listed: map[string]*openStream{}, held: newQuota(limit),
		watches: streamWatches{held: newQuota(maxStreamWatches)},
	}
}

type openStreamKey struct{}

// openStreamOf returns the entry that wrap made for the call.
func openStreamOf(ctx context.Context) *openStream {
	opened, _ := ctx.Value(openStreamKey{}).(*openStream)
	return opened
}

// wrap registers a stream for as long as it lasts.
func (o *openStreams) wrap(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		ctx, opened, err := o.open(ctx, newOrigin(conn.Peer().Addr, conn.RequestHeader()))
		if err != nil {
			return err
		}
		defer o.close(opened)
		call := limit.CallOf(ctx)
		call.Settle()
		return next(context.WithValue(ctx, openStreamKey{}, opened), &settlingConn{StreamingHandlerConn: conn, call: call})
	}
}

// settlingConn returns the memory of a stream's request to its budget when the first response is sent: the stream may stay open for
// long. Memory of messages that a client streams is returned message by message.
type settlingConn struct {
	connect.StreamingHandlerConn
	call    *limit.Call
	settled bool
}

// Send implements connect.StreamingHandlerConn.
func (c *settlingConn) Send(message any) error {
	if !c.settled && c.Spec().StreamType == connect.StreamTypeServer {
		c.settled = true
		c.call.Settle()
	}
	return wire.Unsent(c.StreamingHandlerConn.Send(message))
}

// open registers a stream of the context's caller until close, or refuses it. The context that it returns is cancelled with the reason
// for which the stream ends.
func (o *openStreams) open(ctx context.Context, from origin) (context.Context, *openStream, error) {
	c := access.Of(ctx)
	who := newHolder(c, from)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.held.add(who); err != nil {
		return ctx, nil, err
	}
	ctx, end := context.WithCancelCause(ctx)
	opened := &openStream{end: end, from: from, holder: who, caller: c}
	o.streams[opened] = struct{}{}
	return ctx, opened, nil
}

// stop tells a stream to end. It is called with openStreams.mu held.
func (opened *openStream) stop(cause error) {
	opened.over = true
	opened.end(cause)
}

// close forgets a stream.
func (o *openStreams) close(opened *openStream) {
	o.mu.Lock()
	delete(o.streams, opened)
	o.held.remove(opened.holder)
	if opened.live != nil {
		delete(o.listed, opened.live.ID)
	}
	o.mu.Unlock()
	opened.end(nil)
}

func (o *openStreams) run(ctx context.Context) {
	ticker := time.NewTicker(streamCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			o.check(ctx)
		}
	}
}

func (o *openStreams) check(ctx context.Context) {
	for shared, c := range o.callers() {
		if err := o.access.StillGood(ctx, c); err != nil {
			o.endAll(shared, err)
		}
	}
}

// callers returns one caller for each proof. Connections that are not authenticated yet are left out; they have their own time limit.
func (o *openStreams) callers() map[access.Proof]access.Caller {
	o.mu.Lock()
	defer o.mu.Unlock()
	callers := map[access.Proof]access.Caller{}
	for opened := range o.streams {
		if opened.caller.Known() {
			callers[opened.caller.Proof()] = opened.caller
		}
	}
	return callers
}

// endAll ends the streams that still depend on this proof; a stream that was renewed meanwhile has another one.
func (o *openStreams) endAll(shared access.Proof, cause error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for opened := range o.streams {
		if opened.caller.Proof() == shared {
			opened.stop(cause)
		}
	}
}

// disconnect ends a tenant's live stream.
func (o *openStreams) disconnect(tenant gateway.TenantID, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	opened, err := o.find(tenant, id)
	if err == nil {
		opened.stop(errDisconnected())
	}
	return err
}

// errDisconnected has a code after which clients do not reconnect.
func errDisconnected() error {
	return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonDisconnected, "an operator ended the stream")
}

// renew lets a tenant's live stream go on under another caller.
func (o *openStreams) renew(tenant gateway.TenantID, id string, c access.Caller) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	opened, err := o.find(tenant, id)
	if err != nil {
		return err
	}
	if !c.MayRead(opened.live.carries) {
		return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope,
			"the stream carries what the ticket does not show")
	}
	opened.caller = c
	return nil
}

// find returns a tenant's live stream. It is called with mu held.
func (o *openStreams) find(tenant gateway.TenantID, id string) (*openStream, error) {
	opened, ok := o.listed[id]
	if !ok || opened.over || opened.live.tenant.ID != tenant {
		return nil, gateway.NotFound("stream", id)
	}
	return opened, nil
}

// of returns the live streams of a tenant, the oldest first.
func (o *openStreams) of(tenant gateway.TenantID) []liveView {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []liveView
	for _, opened := range o.listed {
		if opened.live.tenant.ID == tenant {
			found = append(found, opened.view())
		}
	}
	slices.SortFunc(found, func(a, b liveView) int { return cmp.Compare(a.number, b.number) })
	return found
}

// count returns how many live streams each tenant has open.
func (o *openStreams) count() map[gateway.TenantID]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	counts := map[gateway.TenantID]int{}
	for _, opened := range o.listed {
		counts[opened.live.tenant.ID]++
	}
	return counts
}
