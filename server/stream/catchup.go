package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

// subscriber is one stream. There is no switch from catching up to live that could lose an event: it always reads on
// after the position it has reached, from memory when the tail still holds that place and from the log when not.
type subscriber struct {
	hub     *Hub
	request Request
	// expression is that of the request's filter.
	expression *filter.Expression
	send       func(Message) error
	// reached is the position up to which every matching event has been sent.
	reached gateway.Position
	sent    time.Time
	// unflushed says that something was sent since the last flush.
	unflushed bool
}

func (s *subscriber) run(ctx context.Context) error {
	heartbeat := time.NewTimer(s.request.Heartbeat)
	defer heartbeat.Stop()
	for {
		if err := s.drain(ctx); err != nil {
			return err
		}
		heartbeat.Reset(s.untilHeartbeat())
		select {
		case <-s.hub.tail.Wait(s.reached):
		case <-heartbeat.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.hub.stopping:
			return errStopping()
		}
	}
}

// drain sends what there is, and a heartbeat where one is due.
func (s *subscriber) drain(ctx context.Context) error {
	for head := s.hub.tail.Head(); s.reached < head; head = s.hub.tail.Head() {
		if err := s.stopped(ctx); err != nil {
			return err
		}
		if err := s.page(ctx, head); err != nil {
			return err
		}
		s.request.Entry.reached.Store(int64(s.reached))
		if err := s.beat(); err != nil {
			return err
		}
		// The next page may take a while to find.
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.request.Entry.live.Store(true)
	if err := s.beat(); err != nil {
		return err
	}
	return s.flush()
}

func (s *subscriber) stopped(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.hub.stopping:
		return errStopping()
	default:
		return nil
	}
}

// page sends the next few events up to the mark.
func (s *subscriber) page(ctx context.Context, mark gateway.Position) error {
	if events, ok := s.hub.tail.After(s.reached, pageEvents); ok {
		return s.sendRecent(events)
	}
	s.request.Entry.live.Store(false)
	events, scanned, err := s.hub.store.ReadMatching(
		ctx, s.request.Tenant.ID, s.request.Filter, s.reached, mark, pageEvents, pageBytes)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	for _, event := range events {
		if err := s.offer(event); err != nil {
			return err
		}
	}
	if scanned <= s.reached && len(events) == 0 {
		return fmt.Errorf("read events: stuck after position %d", s.reached)
	}
	s.reached = max(s.reached, scanned)
	return nil
}

// sendRecent sends the matching ones of consecutive events. Positions are dense, so a hole would be a lost event: the
// stream ends rather than carry on past it.
func (s *subscriber) sendRecent(events []*gateway.Event) error {
	for _, event := range events {
		if event.Position != s.reached+1 {
			return fmt.Errorf("stream: position %d follows %d", event.Position, s.reached)
		}
		if event.Tenant == s.request.Tenant.ID && s.request.Filter.Match(event.Type) {
			if err := s.offer(event); err != nil {
				return err
			}
		}
		s.reached = event.Position
	}
	return nil
}

// offer sends an event that the patterns select if the expression does too, and else passes it.
func (s *subscriber) offer(event *gateway.Event) error {
	if s.expression != nil && !s.expression.Match(s.hub.filters.Subject(event)).Matched {
		s.reached = event.Position
		return nil
	}
	return s.event(event)
}

func (s *subscriber) event(event *gateway.Event) error {
	err := s.deliver(Message{Kind: KindEvent, Cursor: s.hub.store.Cursor(event.Position), Event: event})
	if err != nil {
		return err
	}
	s.reached = event.Position
	s.request.Entry.sent.Add(1)
	s.request.Entry.reached.Store(int64(s.reached))
	return nil
}

// beat sends a heartbeat when nothing was sent for a while, with the place reached: the filter may have passed over a
// million events, and whoever resumes should not have to look at them again.
func (s *subscriber) beat() error {
	if s.untilHeartbeat() > 0 {
		return nil
	}
	return s.deliver(Message{Kind: KindHeartbeat, Cursor: s.hub.store.Cursor(s.reached)})
}

func (s *subscriber) untilHeartbeat() time.Duration {
	return max(0, s.request.Heartbeat-time.Since(s.sent))
}

func (s *subscriber) deliver(message Message) error {
	if err := s.send(message); err != nil {
		return err
	}
	s.sent, s.unflushed = time.Now(), true
	return nil
}

// flush lets the transport pass on what it has put by.
func (s *subscriber) flush() error {
	if s.request.Flush == nil || !s.unflushed {
		return nil
	}
	s.unflushed = false
	return s.request.Flush()
}
