package stream

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// subscriber is one stream. There is no switch from catching up to live that could lose an event: it always reads on
// after the place it has reached, from its topic when that has everything after the place, and from the tail or the log
// when not.
type subscriber struct {
	hub     *Hub
	request Request
	topic   *topic
	names   *filterNames
	send    func(Message) error
	// reached is the position up to which every matching event has been sent, or left out as the policy asks for.
	reached gateway.Position
	// joined says that number is that of the topic's first event after the place reached.
	joined bool
	number int64
	// mark is the number up to which events do not count as waiting: they were there when the reader was idle, or when it
	// had been sent all before the mark.
	mark int64
	idle bool
	// settled says that the end of the log has been reached once: the slow policy holds from then on.
	settled bool
	// live says that the end of the log has been reached, as the reader was told.
	live bool
	// sent is when a message was last sent, before those since which active tells.
	sent   time.Time
	active bool
	// unflushed says that something was sent since the last flush.
	unflushed bool
	// room is the tenant's, of which the stream holds some, in which so much may be sent as fits, and of which it wants some before it
	// goes on; 0 for none.
	room               *tenantRoom
	holds, fits, wants int64
}

// begin tells the reader where the stream begins.
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
		case <-moved: // What came while the reader was written to has waited.
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

// drain sends what there is, and a heartbeat where one is due. It returns the channel that is closed when there is more.
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

// goOn takes one step: it gets the room that the last one lacked, or sends from the topic, or from elsewhere.
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

// join lets the subscriber read from its topic if that has everything after the place reached.
func (s *subscriber) join() {
	if s.number, s.joined = s.topic.find(s.reached); s.joined {
		s.mark = max(s.mark, s.number)
	}
}

// policy is that of the request from when it holds.
func (s *subscriber) policy() SlowPolicy {
	if !s.settled {
		return CatchUp
	}
	return s.request.SlowPolicy
}

// follow sends the next events of the topic. It returns the channel to wait on when that were all.
func (s *subscriber) follow(ctx context.Context) (moved <-chan struct{}, err error) {
	matched := s.hub.matcher.place() // Before the topic is looked at: see matcher.publish.
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
		case one.event.position <= s.reached: // The stream began with a place that the matcher had not come to.
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

// keepUp does what the slow policy asks for when too many events wait.
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

// dropOldest leaves out all but the newest of the events that wait.
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

// sendShared sends an event of the topic. A large one needs room until it is written; sent is false when there is none yet.
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

// event sends an event. content is nil where nobody shares it.
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

// reach moves the place, never back.
func (s *subscriber) reach(p gateway.Position) {
	if p > s.reached {
		s.reached = p
		s.request.Entry.reached.Store(int64(p))
	}
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
	return s.inform(gateway.StreamMessage{Kind: gateway.StreamHeartbeat, Cursor: s.hub.store.Cursor(s.reached), Live: s.live})
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

// flush lets the transport write what it has buffered.
func (s *subscriber) flush() error {
	if s.request.Flush == nil || !s.unflushed {
		return nil
	}
	s.unflushed = false
	return s.request.Flush()
}
