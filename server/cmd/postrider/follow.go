package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const (
	firstReconnect = 250 * time.Millisecond
	maxReconnect   = 5 * time.Second
	// silence is how long a stream may say nothing, heartbeats included, before it counts as broken.
	silence = 45 * time.Second
)

// follower reads a live stream, and resumes it after each disconnect where it stopped. Events are handled one after the other.
type follower struct {
	client *client
	env    environment
	// request is what the stream asks for. Once the stream has begun, its start is the place reached.
	request *postriderv1.SubscribeRequest
	// begun is called when the stream begins for the first time; nil for nothing.
	begun func()
	// event handles an event. Its error ends the follower.
	event func(ctx context.Context, event *postriderv1.Event) error
	// connected reports that the stream has begun at least once.
	connected bool
}

// handlingError is an error of the function that handles events.
type handlingError struct{ error }

// run follows the stream until ctx ends, an event cannot be handled, or the server refuses the stream.
func (f *follower) run(ctx context.Context) error {
	wait := firstReconnect
	for {
		before := f.request.GetStart()
		err := f.follow(ctx)
		var handling handlingError
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &handling):
			return handling.error
		case !f.connected || !worthRetrying(err):
			return err
		}
		if f.request.GetStart() != before {
			wait = firstReconnect
		}
		_ = say(f.env.stderr, "disconnected (%s); reconnecting\n", message(err))
		if !pause(ctx, time.Duration(float64(wait)*(0.5+rand.Float64()))) {
			return nil
		}
		wait = min(wait*2, maxReconnect)
	}
}

// follow reads one stream until it breaks.
func (f *follower) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	stream, err := f.client.events.Subscribe(ctx, connect.NewRequest(f.request))
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	for stream.Receive() {
		if silent := !watchdog.Stop(); silent { // Meanwhile an event may take any time to handle.
			break
		}
		if err := f.take(ctx, stream.Msg()); err != nil {
			return handlingError{err}
		}
		watchdog.Reset(silence)
	}
	if err := stream.Err(); err != nil {
		return err
	}
	// The server ended the stream, or it was silent for too long.
	return connect.NewError(connect.CodeUnavailable, errors.New("the server ended the stream"))
}

func (f *follower) take(ctx context.Context, message *postriderv1.SubscribeResponse) error {
	if begun := f.begun; begun != nil && !f.connected {
		begun()
	}
	f.connected = true
	if event := message.GetEvent(); event != nil {
		if err := f.event(ctx, event); err != nil {
			return err
		}
	}
	f.reportGap(message.GetBegin().GetGap())
	f.reportGap(message.GetGap())
	f.request.Start = message.GetCursor()
	return nil
}

func (f *follower) reportGap(gap *postriderv1.Gap) {
	if gap != nil {
		_ = say(f.env.stderr, "events are missing here: %s\n", gap.GetMessage())
	}
}

// worthRetrying reports whether a stream that ended with err may go on where it stopped.
func worthRetrying(err error) bool {
	var coded *connect.Error
	if !errors.As(err, &coded) {
		return false
	}
	switch coded.Code() {
	case connect.CodeUnavailable, connect.CodeUnknown, connect.CodeInternal, connect.CodeAborted, connect.CodeCanceled,
		connect.CodeDeadlineExceeded, connect.CodeResourceExhausted, connect.CodeDataLoss:
		return true
	default:
		return false
	}
}

// pause waits; it is false when ctx ended first.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
