package stream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// subscriber is one stream. There is no switch from catching up to live that could lose an event: it always reads on
// after the position it has reached, from memory when the tail still holds that place and from the log when not.
type subscriber struct {
	hub       *Hub
	request   Request
	selection *selection
	names     *filterNames
	send      func(Message) error
	// reached is the position up to which every matching event has been sent.
	reached gateway.Position
	// live says that the end of the log has been reached, as the reader was told.
	live bool
	sent time.Time
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
	if err := s.setLive(true); err != nil {
		return err
	}
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
	before := s.reached
	if events, ok := s.hub.tail.After(s.reached, pageEvents); ok {
		return s.sendRecent(events)
	}
	if err := s.setLive(false); err != nil {
		return err
	}
	events, scanned, err := s.hub.store.ReadMatching(
		ctx, s.request.Tenant.ID, s.selection.patterns, s.reached, mark, pageEvents, pageBytes)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	if events, err = s.skipPurged(ctx, events); err != nil {
		return err
	}
	for _, event := range events {
		if err := s.offer(event); err != nil {
			return err
		}
	}
	if scanned <= before && s.reached <= before {
		return fmt.Errorf("read events: stuck after position %d", s.reached)
	}
	s.reached = max(s.reached, scanned)
	return nil
}

// skipPurged tells the reader when retention has overtaken it, and goes on behind that place. It looks after the page was
// read: what was removed while it was being read may be missing from it.
func (s *subscriber) skipPurged(ctx context.Context, page []*gateway.Event) ([]*gateway.Event, error) {
	purgedTo, err := s.hub.store.PurgedTo(ctx, s.request.Tenant.ID)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	if purgedTo <= s.reached {
		return page, nil
	}
	s.reached = purgedTo
	rest := slices.DeleteFunc(page, func(e *gateway.Event) bool { return e.Position <= purgedTo })
	return rest, s.deliver(Message{Kind: KindGap, Cursor: s.hub.store.Cursor(purgedTo), Gap: gateway.GapRetention})
}

// sendRecent sends the matching ones of consecutive events. Positions are dense, so a hole would be a lost event: the
// stream ends rather than carry on past it.
func (s *subscriber) sendRecent(events []*gateway.Event) error {
	for _, event := range events {
		if event.Position != s.reached+1 {
			return fmt.Errorf("stream: position %d follows %d", event.Position, s.reached)
		}
		if event.Tenant == s.request.Tenant.ID {
			if err := s.offer(event); err != nil {
				return err
			}
		}
		s.reached = event.Position
	}
	return nil
}

// offer sends an event that a filter selects, and passes any other.
func (s *subscriber) offer(event *gateway.Event) error {
	set := s.selection.match(s.hub.filters, event)
	if set == 0 {
		s.reached = event.Position
		return nil
	}
	err := s.deliver(Message{
		Kind: KindEvent, Cursor: s.hub.store.Cursor(event.Position), Event: event, Filters: s.names.of(set),
	})
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
	return s.heartbeat()
}

func (s *subscriber) heartbeat() error {
	return s.deliver(Message{Kind: KindHeartbeat, Cursor: s.hub.store.Cursor(s.reached), Live: s.live})
}

// setLive tells the reader at once when it has reached the end of the log, or fallen behind.
func (s *subscriber) setLive(live bool) error {
	if live == s.live {
		return nil
	}
	s.live = live
	s.request.Entry.live.Store(live)
	return s.heartbeat()
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
