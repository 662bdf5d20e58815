package client

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
)

const (
	// DefaultUnacknowledged is how many events of a stream may be under way when MaxUnacknowledged does not say.
	DefaultUnacknowledged = 1000
	// maxSummaryErrors bounds the refusals that a summary repeats.
	maxSummaryErrors = 100
)

var errStreamClosed = errors.New("the stream of publishes is closed")

// PublishStreamOption changes how a stream of publishes works.
type PublishStreamOption func(*PublishStream)

// OnAck is called with each event that is on disk, in the order they were published. The stream waits for the function, which
// must not call the stream.
func OnAck(acknowledged func(Ack)) PublishStreamOption {
	return func(s *PublishStream) { s.onAck = acknowledged }
}

// OnRefused is called with each event that the server refuses, in order with the calls of OnAck.
func OnRefused(refused func(*RefusedError)) PublishStreamOption {
	return func(s *PublishStream) { s.onRefused = refused }
}

// MaxUnacknowledged bounds how many events are under way, at least 1. While they are, Publish waits.
func MaxUnacknowledged(n int) PublishStreamOption {
	return func(s *PublishStream) { s.room = make(chan struct{}, max(n, 1)) }
}

// Summary is what has become of the events of a stream.
type Summary struct {
	// Stored, Duplicates (stored before, by an earlier connection of the same stream maybe) and Refused count events.
	Stored, Duplicates, Refused int64
	// Cursor is the place of the last acknowledged event in the log; empty when there is none.
	Cursor string
	// Errors are the first 100 refusals.
	Errors []*RefusedError
	// Unacknowledged are the events of which it is unknown whether they are stored, in their order; none unless the stream
	// ended with an error. Publishing them again as they are stores none of them twice.
	Unacknowledged []*postriderv1.Event
}

// PublishStream publishes events in order without waiting for each. Its methods may be called from any goroutine.
type PublishStream struct {
	client    *Client
	cancel    context.CancelFunc
	onAck     func(Ack)
	onRefused func(*RefusedError)
	// room has one element for each event under way, wake one when there may be something to do; ended is closed.
	room, wake, ended chan struct{}

	mu sync.Mutex
	// waiting are the events that are not acknowledged, oldest first; sent is how many of them the connection was given.
	waiting []*postriderv1.Event
	sent    int
	closing bool
	summary Summary
	// err is why the stream has ended; nil before, and when all is acknowledged.
	err error

	// begun and failures are as a follower's. They are run's.
	begun    bool
	failures int
}

// PublishStream opens a stream, which connects with its first event. It needs HTTP/2. When the connection breaks it is
// made again, for as long as it takes, and what was not acknowledged is sent again under the same ids: it is stored once
// and in order. Close it, or end ctx, which ends the stream.
func (c *Client) PublishStream(ctx context.Context, options ...PublishStreamOption) *PublishStream {
	ctx, cancel := context.WithCancel(ctx)
	s := &PublishStream{
		client: c, cancel: cancel, onAck: func(Ack) {}, onRefused: func(*RefusedError) {},
		room: make(chan struct{}, DefaultUnacknowledged), wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	for _, option := range options {
		option(s)
	}
	go s.run(ctx)
	return s
}

// Publish sends a message as an event of its type, and waits while too many are under way, at most until ctx ends. It does
// not wait for the acknowledgement. An error says that the event was not sent; the stream goes on unless it has ended.
func (s *PublishStream) Publish(ctx context.Context, message proto.Message, options ...EventOption) error {
	event, err := NewEvent(message, options...)
	if err != nil {
		return err
	}
	return s.PublishEvent(ctx, event)
}

// PublishEvent is Publish for an event that was made before. It must not be changed until it is acknowledged.
func (s *PublishStream) PublishEvent(ctx context.Context, event *postriderv1.Event) error {
	identify(event)
	if err := encodable(event); err != nil {
		return err
	}
	select {
	case s.room <- struct{}{}:
	case <-s.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || s.err != nil {
		return cmp.Or(s.err, errStreamClosed)
	}
	s.waiting = append(s.waiting, event)
	s.wakeUp()
	return nil
}

// Close takes no more events, waits until all are acknowledged or refused, and sums up. When ctx ends first, or the stream
// ended with an error, that is answered, and the summary says which events are not acknowledged.
func (s *PublishStream) Close(ctx context.Context) (Summary, error) {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.wakeUp()
	var err error
	select {
	case <-s.ended:
	case <-ctx.Done():
		err = ctx.Err()
		s.cancel()
		<-s.ended
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		s.summary.Unacknowledged = slices.Clone(s.waiting)
		return s.summary, cmp.Or(err, s.err)
	}
	return s.summary, nil
}
