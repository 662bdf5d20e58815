package client

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

var errUnanswered = connect.NewError(connect.CodeUnavailable, errors.New("no acknowledgement came"))

// run connects whenever there is an event to send, until the stream is closed and empty, ctx ends or an error is final.
func (s *PublishStream) run(ctx context.Context) {
	defer close(s.ended)
	defer s.cancel()
	for s.pending(ctx) {
		err := s.connect(ctx)
		switch {
		case ctx.Err() != nil, !s.unacknowledged():
			continue // pending tells
		case !s.client.worthwhile(err, s.begun, s.failures):
			s.fail(err)
			return
		}
		s.failures++
		wait := reconnectBackoff.pause(s.failures, err)
		s.client.logger.WarnContext(ctx, "publishing over another connection", "wait", wait, "error", err)
		_ = sleep(ctx, wait) // pending tells
	}
}

// pending waits for an event to send. It returns false if there will be none.
func (s *PublishStream) pending(ctx context.Context) bool {
	for {
		s.mu.Lock()
		empty, closing := len(s.waiting) == 0, s.closing
		s.mu.Unlock()
		switch {
		case empty && closing:
			return false
		case ctx.Err() != nil:
			s.fail(ctx.Err())
			return false
		case !empty:
			return true
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
		}
	}
}

// connect publishes over one connection, beginning with the oldest unacknowledged event, until the connection ends.
func (s *PublishStream) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream := s.client.duplex.PublishStream(ctx)
	if err := s.client.authorize(ctx, stream.RequestHeader()); err != nil {
		return err
	}
	silence := time.AfterFunc(attemptTimeout, func() {
		if s.unacknowledged() {
			cancel(errUnanswered)
		}
	})
	s.rewind()
	var sender sync.WaitGroup
	sender.Go(func() { s.send(ctx, stream, silence) })
	defer func() { cancel(nil); sender.Wait(); silence.Stop(); _ = stream.CloseResponse() }()
	for {
		response, err := stream.Receive()
		switch {
		case errors.Is(context.Cause(ctx), errUnanswered):
			return errUnanswered
		case errors.Is(err, io.EOF):
			return errClosed
		case err != nil:
			return err
		}
		silence.Reset(attemptTimeout)
		if err := s.take(response); err != nil {
			return err
		}
	}
}

// send passes pending events to the connection, and closes its sending side when the stream is closed. The receiver reports
// errors.
func (s *PublishStream) send(
	ctx context.Context, to *connect.BidiStreamForClient[postriderv1.PublishStreamRequest, postriderv1.PublishStreamResponse],
	silence *time.Timer,
) {
	defer func() { _ = to.CloseRequest() }()
	tenant := s.client.tenant
	for {
		event, closing := s.next()
		switch {
		case event != nil:
			silence.Reset(attemptTimeout)
			if to.Send(&postriderv1.PublishStreamRequest{Tenant: tenant, Event: event}) != nil {
				return
			}
			tenant = "" // It comes with the first event only.
		case closing:
			return
		default:
			select {
			case <-s.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}

// next returns the event to send next, or nil and whether there will be no more.
func (s *PublishStream) next() (event *postriderv1.Event, closing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == len(s.waiting) {
		return nil, s.closing
	}
	s.sent++
	return s.waiting[s.sent-1], false
}

// take records and reports the result of the oldest event. It ignores the server's summary, which covers only one connection.
func (s *PublishStream) take(response *postriderv1.PublishStreamResponse) error {
	s.begun = true
	ack, refusal := response.GetAck(), response.GetError()
	if ack == nil && refusal == nil {
		return nil
	}
	s.failures = 0
	event := s.shift(ack)
	if event == nil {
		return errForeign
	}
	if refusal != nil {
		refused := &RefusedError{Event: event, Refusal: refusal}
		s.noteRefused(refused)
		s.onRefused(refused)
	} else {
		s.noteAck(ack)
		s.onAck(Ack{ID: ack.GetId(), Cursor: ack.GetCursor(), Duplicate: ack.GetDuplicate()})
	}
	<-s.room
	return nil
}

// shift removes and returns the oldest waiting event. It returns nil if the event was not sent on this connection, or if ack
// is for another event.
func (s *PublishStream) shift(ack *postriderv1.PublishStreamAck) *postriderv1.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == 0 || ack != nil && (ack.GetId() != s.waiting[0].GetId() || ack.GetCursor() == "") {
		return nil
	}
	event := s.waiting[0]
	s.waiting[0] = nil
	s.waiting = s.waiting[1:]
	s.sent--
	return event
}

func (s *PublishStream) noteAck(ack *postriderv1.PublishStreamAck) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ack.GetDuplicate() {
		s.summary.Duplicates++
	} else {
		s.summary.Stored++
	}
	s.summary.Cursor = ack.GetCursor()
}

func (s *PublishStream) noteRefused(refused *RefusedError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.summary.Refused++; len(s.summary.Errors) < maxSummaryErrors {
		s.summary.Errors = append(s.summary.Errors, refused)
	}
}

func (s *PublishStream) rewind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = 0
}

func (s *PublishStream) unacknowledged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0
}

func (s *PublishStream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// wakeUp wakes a goroutine that waits for an event to send.
func (s *PublishStream) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
