package client

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const (
	defaultHeartbeat = 15 * time.Second
	// The range that a server accepts.
	minHeartbeat, maxHeartbeat = 100 * time.Millisecond, 5 * time.Minute
	// silentBeats is the number of missing heartbeats after which a connection counts as dead.
	silentBeats = 3
)

var (
	errLeft   = errors.New("the loop was left")
	errSilent = connect.NewError(connect.CodeUnavailable, errors.New("no heartbeat came"))
	errClosed = connect.NewError(connect.CodeUnavailable, errors.New("the stream was closed"))
)

// follower reads one stream across connections.
type follower struct {
	client *Client
	// request.Start is updated as messages arrive.
	request  *postriderv1.SubscribeRequest
	progress func(cursor string)
	status   func(Status)
	// begun means that a connection was ever accepted. failures counts the consecutive connections without an event or a
	// heartbeat.
	begun    bool
	failures int
}

func newFollower(c *Client, options []SubscribeOption) *follower {
	f := &follower{
		client: c, request: &postriderv1.SubscribeRequest{Tenant: c.tenant}, progress: func(string) {}, status: func(Status) {},
	}
	for _, option := range options {
		option(f)
	}
	for _, filter := range f.request.GetFilters() {
		if filter.GetTypes() == nil {
			filter.Types = f.request.GetTypes()
		}
	}
	if len(f.request.GetFilters()) > 0 {
		f.request.Types = nil // each filter has its own
	}
	return f
}

// yield receives an event with the names of the filters that select it, or an error, and reports whether to continue.
type yield func(event *postriderv1.Event, filters []string, err error) bool

// run passes every event and every gap to yield until yield returns false, ctx ends or an error is final. It passes the last
// two to yield, too.
func (f *follower) run(ctx context.Context, yield yield) {
	if err := f.check(); err != nil {
		yield(nil, nil, err)
		return
	}
	for {
		f.status(Connecting)
		err := f.connect(ctx, yield)
		switch {
		case errors.Is(err, errLeft):
			return
		case ctx.Err() != nil:
			yield(nil, nil, ctx.Err())
			return
		case !f.client.worthwhile(err, f.begun, f.failures):
			yield(nil, nil, err)
			return
		}
		f.failures++
		wait := reconnectBackoff.pause(f.failures, err)
		f.status(Offline)
		f.client.logger.WarnContext(ctx, "subscribing again", "wait", wait, "error", err)
		_ = sleep(ctx, wait) // the next connection tells
	}
}

// check returns an error for a request that no server accepts.
func (f *follower) check() error {
	lists := [][]string{f.request.GetTypes()}
	for _, filter := range f.request.GetFilters() {
		lists = append(lists, filter.GetTypes())
	}
	for _, types := range lists {
		if types != nil && len(types) == 0 { // To the server that would be all.
			return mistake(`a list of event types is empty; name some, or "*" for all`)
		}
	}
	every := f.request.GetHeartbeatInterval()
	if every != nil && (every.AsDuration() < minHeartbeat || every.AsDuration() > maxHeartbeat) {
		return mistake("a heartbeat comes every %v to %v, not every %v", minHeartbeat, maxHeartbeat, every.AsDuration())
	}
	if _, err := proto.Marshal(f.request); err != nil {
		return mistake("what is subscribed to cannot be encoded: %v", err)
	}
	return nil
}

// connect reads one connection until it ends. It never returns nil.
func (f *follower) connect(ctx context.Context, yield yield) error {
	ctx, cancel := context.WithCancelCause(ctx)
	silence := time.AfterFunc(f.maxSilence(), func() { cancel(errSilent) })
	defer silence.Stop()
	defer cancel(nil)
	request, err := newRequest(ctx, f.client, f.request)
	if err != nil {
		return err
	}
	stream, err := f.client.events.Subscribe(ctx, request)
	if err != nil {
		return f.cause(ctx, err)
	}
	// Cancelled first: closing reads what is left of a stream, and this one has no end.
	defer func() { cancel(nil); _ = stream.Close() }()
	for opened := false; stream.Receive(); opened = true {
		silence.Stop()
		if !opened && stream.Msg().GetBegin() == nil {
			return errForeign
		}
		if !f.take(stream.Msg(), yield) {
			return errLeft
		}
		silence.Reset(f.maxSilence())
	}
	if stream.Err() == nil {
		return errClosed
	}
	return f.cause(ctx, stream.Err())
}

// cause returns the reason if the connection was cancelled here, and err otherwise.
func (f *follower) cause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

func (f *follower) maxSilence() time.Duration {
	if every := f.request.GetHeartbeatInterval().AsDuration(); every > 0 {
		return silentBeats * every
	}
	return silentBeats * defaultHeartbeat
}

// take handles one message and reports whether to continue. The position moves only after an event was handled.
func (f *follower) take(message *postriderv1.SubscribeResponse, yield yield) bool {
	more := true
	switch m := message.GetMessage().(type) {
	case *postriderv1.SubscribeResponse_Begin:
		f.begun = true
		f.status(statusOf(m.Begin.GetLive()))
		if gap := m.Begin.GetGap(); gap != nil {
			more = yield(nil, nil, newGapError(gap, message.GetCursor()))
		}
	case *postriderv1.SubscribeResponse_Event:
		f.failures = 0
		more = yield(m.Event, message.GetFilters(), nil)
	case *postriderv1.SubscribeResponse_Gap:
		more = yield(nil, nil, newGapError(m.Gap, message.GetCursor()))
	case *postriderv1.SubscribeResponse_Dropped:
		more = yield(nil, nil, &DroppedError{Events: m.Dropped.GetEvents(), Cursor: message.GetCursor()})
	case *postriderv1.SubscribeResponse_Heartbeat:
		f.failures = 0
		f.status(statusOf(m.Heartbeat.GetLive()))
		f.progress(message.GetCursor())
	}
	if message.GetCursor() != "" {
		f.request.Start = message.GetCursor()
	}
	return more
}

func newGapError(gap *postriderv1.Gap, cursor string) error {
	return &GapError{Reason: gap.GetReason(), Message: gap.GetMessage(), Cursor: cursor}
}
