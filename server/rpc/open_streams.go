package rpc

import (
	"context"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/auth"
)

// streamCheck is how often open streams are held against their keys: a revocation must take effect within a second.
const streamCheck = 500 * time.Millisecond

// openStreams ends streams whose caller would not be let in any more.
type openStreams struct {
	auth *authenticator

	mu      sync.Mutex
	streams map[*openStream]struct{}
}

type openStream struct {
	caller caller
	end    context.CancelCauseFunc
}

func newOpenStreams(a *authenticator) *openStreams {
	return &openStreams{auth: a, streams: map[*openStream]struct{}{}}
}

// wrap keeps note of a stream for as long as it lasts.
func (o *openStreams) wrap(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		ctx, done := o.note(ctx)
		defer done()
		return next(ctx, conn)
	}
}

// note keeps note of a stream until it is done. Its context ends with the reason why its caller would not be let in any
// more.
func (o *openStreams) note(ctx context.Context) (_ context.Context, done func()) {
	ctx, end := context.WithCancelCause(ctx)
	stream := &openStream{caller: callerOf(ctx), end: end}
	o.add(stream)
	return ctx, func() {
		o.remove(stream)
		end(nil)
	}
}

func (o *openStreams) add(stream *openStream) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.streams[stream] = struct{}{}
}

func (o *openStreams) remove(stream *openStream) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.streams, stream)
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

// proof is what a caller was let in by; streams that share it are looked up once.
type proof struct {
	hash auth.KeyHash
	ends time.Time
}

func (o *openStreams) check(ctx context.Context) {
	byProof := map[proof][]*openStream{}
	o.mu.Lock()
	for stream := range o.streams {
		key := proof{stream.caller.hash, stream.caller.ends()}
		byProof[key] = append(byProof[key], stream)
	}
	o.mu.Unlock()
	for _, streams := range byProof {
		if err := o.auth.stillGood(ctx, streams[0].caller); err != nil {
			for _, stream := range streams {
				stream.end(err)
			}
		}
	}
}
