package client

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

const (
	// DefaultUnacknowledged is the number of unacknowledged events of a stream without MaxUnacknowledged.
	DefaultUnacknowledged = 1000
	// maxSummaryErrors limits the refusals in a summary.
	maxSummaryErrors = 100
)

var errStreamClosed = errors.New("the stream of publishes is closed")

// PublishStreamOption configures a PublishStream.
type PublishStreamOption func(*PublishStream)

// OnAck sets a function that is called for each event that is on disk, in the order of publishing. The stream waits for the
// function, which must not call the stream.
func OnAck(acknowledged func(Ack)) PublishStreamOption {
	return func(s *PublishStream) { s.onAck = acknowledged }
}

// OnRefused sets a function that is called for each event that the server refuses, in order with the calls of OnAck.
func OnRefused(refused func(*RefusedError)) PublishStreamOption {
	return func(s *PublishStream) { s.onRefused = refused }
}

// MaxUnacknowledged limits the number of unacknowledged events, at least 1. At the limit, Publish waits.
func MaxUnacknowledged(n int) PublishStreamOption {
	return func(s *PublishStream) { s.room = make(chan struct{}, max(n, 1)) }
}

// Summary summarises the results of a stream.
type Summary struct {
	// Stored, Duplicates (already stored, possibly by an earlier connection of the same stream) and Refused are numbers of
	// events.
	Stored, Duplicates, Refused int64
	// Cursor is the position of the last acknowledged event in the log; empty if there is none.
	Cursor string
	// Errors are the first 100 refusals.
	Errors []*RefusedError
	// Unacknowledged are the events for which it is unknown whether they are stored, in order. It is empty unless the stream
	// ended with an error. Publishing them again unchanged stores none of them twice.
	Unacknowledged []*postriderv1.Event
}

// PublishStream publishes events in order without waiting for each. Its methods are safe for concurrent use.
type PublishStream struct {
	client    *Client
	cancel    context.CancelFunc
	onAck     func(Ack)
	onRefused func(*RefusedError)
	// room has one element for each unacknowledged event, wake one when there may be something to do; ended is closed.
	room, wake, ended chan struct{}

	mu sync.Mutex
	// waiting has the unacknowledged events, oldest first; sent is the number of them that were passed to the connection.
	waiting []*postriderv1.Event
	sent    int
	closing bool
	summary Summary
	// err is the error that ended the stream; nil before, and if all events are acknowledged.
	err error

	// begun and failures are as in follower. Only run uses them.
	begun    bool
	failures int
}

// PublishStream opens a stream, which connects with its first event. It needs HTTP/2. When the connection breaks, the stream
// reconnects as often as necessary and sends unacknowledged events again under the same ids, so they are stored once and in
// order. Close the stream, or end ctx, which ends the stream.
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

// Publish sends a message as an event of its type. It waits, at most until ctx ends, while there are too many unacknowledged
// events. It does not wait for the acknowledgement. An error means that the event was not sent; the stream continues unless
// it has ended.
func (s *PublishStream) Publish(ctx context.Context, message proto.Message, options ...EventOption) error {
	event, err := NewEvent(message, options...)
	if err != nil {
		return err
	}
	return s.PublishEvent(ctx, event)
}

// PublishEvent is Publish for an existing event, which must not be changed until it is acknowledged.
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

// Close accepts no more events, waits until all are acknowledged or refused, and returns a summary. If ctx ends first, or the
// stream ended with an error, it returns that error, and the summary has the unacknowledged events.
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
