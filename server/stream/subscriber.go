package stream

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// subscriber is one stream. It always continues after the position it has reached: from its topic if the topic has all
// events after that position, otherwise from the tail or the log. So there is no switch from catching up to live in which an
// event could be lost.
type subscriber struct {
	hub     *Hub
	request Request
	topic   *topic
	names   *filterNames
	send    func(Message) error
	// reached is the position up to which every matching event has been sent, or dropped by the policy.
	reached gateway.Position
	// joined means that number is the number of the topic's first event after reached.
	joined bool
	number int64
	// mark is a number in the topic. Events before it do not count as waiting: they were there when the reader was idle, or
	// when it had been sent everything before an earlier mark.
	mark int64
	idle bool
	// settled means that the stream has reached the end of the log once. The slow policy applies from then on.
	settled bool
	// live means that the reader was last told that the stream has reached the end of the log.
	live bool
	// sent is when a message was last sent. active means that more have been sent since.
	sent   time.Time
	active bool
	// unflushed means that messages were sent since the last flush.
	unflushed bool
	// room is the room of the tenant. The stream holds a part of it; it may send up to fits bytes with that. wants is what
	// the stream needs before it continues; 0 for nothing.
	room               *tenantRoom
	holds, fits, wants int64
}

// begin sends the begin of the stream.
func (s *subscriber) begin(gap gateway.Gap) error {
	err := s.inform(gateway.StreamMessage{
		Kind: gateway.StreamBegin, Cursor: s.hub.store.Cursor(s.reached), Gap: gap, Live: s.live, Stream: s.request.Entry.ID,
		Expires: s.request.Entry.Expires,
	})
	if err != nil {
		return err
	}
	return s.flush()
}

func (s *subscriber) run(ctx context.Context) error {
	heartbeat := time.NewTimer(s.request.Heartbeat)
	defer heartbeat.Stop()
	for {
		moved, err := s.drain(ctx)
		if err != nil {
			return err
		}
		select {
		case <-moved: // events that arrived while the reader was written to have waited
			continue
		default:
		}
		s.idle = true
		heartbeat.Reset(s.untilHeartbeat())
		s.request.Entry.idle.Store(true)
		select {
		case <-moved:
		case <-heartbeat.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.hub.stopping:
			return errStopping()
		}
		s.request.Entry.idle.Store(false)
	}
}

// drain sends all events that are available, and a heartbeat if one is due. It returns the channel that is closed when there
// are more.
func (s *subscriber) drain(ctx context.Context) (moved <-chan struct{}, err error) {
	for moved == nil {
		if err := s.stopped(ctx); err != nil {
			return nil, err
		}
		if moved, err = s.goOn(ctx); err != nil {
			return nil, err
		}
		if err := s.beat(); err != nil {
			return nil, err
		}
	}
	err = s.flush()
	s.giveRoom()
	return moved, err
}

// goOn takes one step: it takes the room that the last step lacked, or sends events from the topic, the tail or the log.
func (s *subscriber) goOn(ctx context.Context) (moved <-chan struct{}, err error) {
	if s.wants > 0 {
		return nil, s.makeRoom(ctx)
	}
	if !s.joined {
		s.join()
	}
	if s.joined {
		return s.follow(ctx)
	}
	return nil, s.catchUp(ctx)
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

// join makes the subscriber read from its topic, if the topic has all events after reached.
func (s *subscriber) join() {
	if s.number, s.joined = s.topic.find(s.reached); s.joined {
		s.mark = max(s.mark, s.number)
	}
}

// policy returns the policy of the request once it applies, and CatchUp before.
func (s *subscriber) policy() SlowPolicy {
	if !s.settled {
		return CatchUp
	}
	return s.request.SlowPolicy
}

// follow sends the next events of the topic. If there are no more, it returns the channel to wait on.
func (s *subscriber) follow(ctx context.Context) (moved <-chan struct{}, err error) {
	matched := s.hub.matcher.place() // before the topic is read, see matcher.publish
	v := s.topic.from(s.number, s.policy())
	if v.counted {
		if v, err = s.keepUp(v); err != nil {
			return nil, err
		}
	}
	if !v.complete {
		return nil, s.catchUp(ctx)
	}
	for i, one := range v.slots {
		content := one.event.content.Load()
		switch {
		case one.event.position <= s.reached: // the stream began after the matcher's position
		case v.skips(i):
			s.request.Entry.dropped.Add(1)
		case content == nil:
			return nil, s.catchUp(ctx)
		default:
			if sent, err := s.sendShared(content, one.set); !sent || err != nil {
				return nil, err
			}
		}
		s.reach(one.event.position)
		s.number++
	}
	if s.number < v.next {
		return nil, nil
	}
	s.reach(matched)
	s.settled = true
	return v.moved, s.setLive(true)
}

// keepUp applies the slow policy when too many events are waiting.
func (s *subscriber) keepUp(v view) (view, error) {
	if s.idle {
		s.idle, s.mark = false, v.next
	}
	waiting := v.next - s.mark
	if s.number >= s.mark {
		s.mark = v.next
	}
	if waiting <= maxWaiting || !s.settled {
		return v, nil
	}
	switch s.request.SlowPolicy {
	case Drop:
		return s.dropOldest(v)
	case Disconnect:
		return v, errSlow()
	default:
		return v, s.setLive(false)
	}
}

// dropOldest drops all but the newest of the waiting events.
func (s *subscriber) dropOldest(v view) (view, error) {
	number, rest := s.topic.newestFew(maxWaiting)
	if !rest.complete || number <= s.number {
		return v, nil
	}
	dropped := number - s.number
	s.number, s.mark = number, rest.next
	s.reach(rest.slots[0].event.position - 1)
	s.request.Entry.dropped.Add(dropped)
	return rest, s.inform(gateway.StreamMessage{Kind: gateway.StreamDropped, Cursor: s.hub.store.Cursor(s.reached), Dropped: dropped})
}

// sendShared sends an event of the topic. A large event needs room until it is written; sent is false when there is no room
// yet.
func (s *subscriber) sendShared(content *content, set filterSet) (sent bool, err error) {
	held := content.event.Held()
	if held <= freely {
		return true, s.event(content.event, set, content)
	}
	if !s.needs((copies - 1) * held) {
		return false, nil
	}
	defer s.giveRoom()
	if err := s.event(content.event, set, content); err != nil {
		return true, err
	}
	return true, s.flush()
}

// event sends an event. content is nil if the event is not shared.
func (s *subscriber) event(event *gateway.Event, set filterSet, content *content) error {
	err := s.deliver(Message{
		StreamMessage: gateway.StreamMessage{Kind: gateway.StreamEvent, Cursor: s.hub.store.Cursor(event.Position)},
		Event:         event, Filters: s.names.of(set),
		tenant: s.request.Tenant.Name, content: content,
	})
	if err != nil {
		return err
	}
	s.request.Entry.sent.Add(1)
	return nil
}

// reach moves the position forward, never back.
func (s *subscriber) reach(p gateway.Position) {
	if p > s.reached {
		s.reached = p
		s.request.Entry.reached.Store(int64(p))
	}
}

// beat sends a heartbeat with the current position when nothing was sent for a while. The filters may have skipped a million
// events, which a reader that resumes should not have to read again.
func (s *subscriber) beat() error {
	if s.untilHeartbeat() > 0 {
		return nil
	}
	return s.heartbeat()
}

func (s *subscriber) heartbeat() error {
	return s.inform(gateway.StreamMessage{Kind: gateway.StreamHeartbeat, Cursor: s.hub.store.Cursor(s.reached), Live: s.live})
}

// setLive notifies the reader at once when the stream has reached the end of the log or has fallen behind.
func (s *subscriber) setLive(live bool) error {
	if live == s.live {
		return nil
	}
	s.live = live
	s.request.Entry.live.Store(live)
	return s.heartbeat()
}

func (s *subscriber) untilHeartbeat() time.Duration {
	if s.active {
		s.active = false
		s.sent = time.Now()
	}
	return max(0, s.request.Heartbeat-time.Since(s.sent))
}

// inform sends a message without an event.
func (s *subscriber) inform(message gateway.StreamMessage) error {
	return s.deliver(Message{StreamMessage: message})
}

func (s *subscriber) deliver(message Message) error {
	if err := s.send(message); err != nil {
		return err
	}
	s.active, s.unflushed = true, true
	return nil
}

// flush makes the transport write what it has buffered.
func (s *subscriber) flush() error {
	if s.request.Flush == nil || !s.unflushed {
		return nil
	}
	s.unflushed = false
	return s.request.Flush()
}
