package stream

import (
	"context"
	"fmt"
	"slices"

	"github.com/postrider-dev/postrider/server/gateway"
)

// catchUp sends the next few events from the tail, or from the log if the tail does not go back far enough. It does not pass
// the matcher, so that the topic sends none of these events again.
func (s *subscriber) catchUp(ctx context.Context) error {
	s.joined = false
	matched := s.hub.matcher.place()
	if matched <= s.reached {
		return nil // the matcher is about to move: the topic was restarted
	}
	if !s.needs(pageRoom) {
		return nil
	}
	if events, ok := s.hub.tail.After(s.reached, int(min(pageEvents, matched-s.reached))); ok {
		if err := s.sendRecent(ctx, firstFew(events)); err != nil {
			return err
		}
	} else if err := s.sendStored(ctx, matched); err != nil {
		return err
	}
	// Flush first, because finding the next page may take a while.
	return s.flush()
}

// sendRecent sends the matching ones of consecutive events. Positions have no holes, so a hole would be a lost event. Then
// the stream ends instead of going on after it.
func (s *subscriber) sendRecent(ctx context.Context, events []*gateway.Event) error {
	for i, event := range events {
		if want := s.reached + gateway.Position(i) + 1; event.Position != want {
			return fmt.Errorf("stream: position %d where %d belongs", event.Position, want)
		}
	}
	if len(events) == 0 || !s.hasRoomFor(events) {
		return nil
	}
	if err := s.sendPage(ctx, events); err != nil {
		return err
	}
	s.reach(events[len(events)-1].Position)
	return nil
}

// hasRoomFor reports whether there is room to send a page that was read. If not, the page is dropped, and read again when
// there is room.
func (s *subscriber) hasRoomFor(page []*gateway.Event) bool {
	bytes := roomFor(page)
	if !s.needs(bytes) {
		return false
	}
	s.keepRoom(bytes)
	return true
}

// sendStored sends the next few matching events of the log, up to a position.
func (s *subscriber) sendStored(ctx context.Context, upTo gateway.Position) error {
	if err := s.setLive(false); err != nil {
		return err
	}
	before := s.reached
	events, scanned, err := s.hub.store.ReadMatching(
		ctx, s.request.Tenant.ID, s.topic.selection.patterns, s.reached, upTo, pageEvents, pageBytes)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	if !s.hasRoomFor(events) {
		return nil
	}
	if events, err = s.skipPurged(ctx, events); err != nil {
		return err
	}
	if err := s.sendPage(ctx, events); err != nil {
		return err
	}
	if s.reach(scanned); s.reached == before {
		return fmt.Errorf("read events: stuck after position %d", s.reached)
	}
	return nil
}

// skipPurged notifies the reader when retention has removed events that were not sent, and continues after them. It checks
// this after the page was read, because events that were removed in the meantime may be missing from the page.
func (s *subscriber) skipPurged(ctx context.Context, page []*gateway.Event) ([]*gateway.Event, error) {
	purgedTo, err := s.hub.store.PurgedTo(ctx, s.request.Tenant.ID)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	if purgedTo <= s.reached {
		return page, nil
	}
	s.reach(purgedTo)
	rest := slices.DeleteFunc(page, func(e *gateway.Event) bool { return e.Position <= purgedTo })
	return rest, s.inform(gateway.StreamMessage{Kind: gateway.StreamGap, Cursor: s.hub.store.Cursor(purgedTo), Gap: gateway.GapRetention})
}

// showLife is called for an event whose filters took long: a page of such events may take minutes while other streams have
// their turns. over is the error if a filter exceeded its budget on the event.
func (s *subscriber) showLife(ctx context.Context, over error) error {
	if over != nil {
		if err := s.overran(over); err != nil {
			return err
		}
	}
	if err := s.stopped(ctx); err != nil {
		return err
	}
	if err := s.beat(); err != nil {
		return err
	}
	return s.flush()
}

// sendPage sends the events of a page that the filters select and the policy does not drop.
func (s *subscriber) sendPage(ctx context.Context, page []*gateway.Event) error {
	selected := make([]*gateway.Event, 0, len(page))
	sets := make([]filterSet, 0, len(page))
	for _, event := range page {
		if event.Tenant != s.request.Tenant.ID {
			continue
		}
		v := s.topic.selection.match(s.hub.filters, event)
		if v.costly {
			if err := s.showLife(ctx, v.over); err != nil {
				return err
			}
		}
		if v.set != 0 {
			selected, sets = append(selected, event), append(sets, v.set)
		}
	}
	var superseded map[*gateway.Event]bool
	if s.policy() == LatestByKey {
		superseded = s.topic.superseded(selected)
	}
	for i, event := range selected {
		if superseded[event] {
			s.request.Entry.dropped.Add(1)
		} else if err := s.event(event, sets[i], s.hub.matcher.recent.at(event.Position)); err != nil {
			return err
		}
		s.reach(event.Position)
	}
	return nil
}
