package websocket

import (
	"context"
	"errors"
	"sync"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// errChanged interrupts a stream of the hub because its subscription changes.
var errChanged = errors.New("the subscription changes")

// subscription is a subscription of a connection. It is a stream of the hub. Each change of its filters ends that stream and
// begins another one at the same position.
type subscription struct {
	socket *socket
	name   string

	// Only the subscription's goroutine uses the following fields.

	tenant   *gateway.Tenant
	entry    *stream.Entry
	encoding *stream.Encoding
	// ready is the encoded event that is being sent, without the subscription's name.
	ready wire.Encoded
	// asked is the current request of the client, and request the same for the hub.
	asked   *postriderv1.SubscribeRequest
	request stream.Request
	// reached and live are the position and the state that were last sent to the client.
	reached gateway.Cursor
	live    bool
	// opening is the change to which the stream's first message responds.
	opening *change

	mu sync.Mutex
	// changes holds the changes that are requested and not made yet, the oldest first.
	changes []*change
	// interrupt ends the current stream; nil before its first message.
	interrupt context.CancelCauseFunc
	// over means that no further change can be made.
	over bool
}

// run runs the subscription until it ends.
func (s *subscription) run() {
	err := s.socket.client.subscribe(s.socket.ctx, s.asked, s.carry)
	s.leave()
	switch {
	case err == nil, errors.Is(context.Cause(s.socket.ctx), errLeft):
	case s.opening != nil && s.opening.kind == changeOpen:
		s.socket.refuse(s.opening.id, s.name, err)
	default:
		s.socket.send(wire.SocketEnd(s.name, s.socket.show(err), s.reached.String()))
	}
}

// carry runs the subscription through all its changes. The error is nil when the client has closed it.
func (s *subscription) carry(ctx context.Context, tenant *gateway.Tenant, entry *stream.Entry) (err error) {
	s.tenant, s.entry = tenant, entry
	s.encoding = s.socket.transport.config.Encoding(s.socket.asJSON, s.asked.GetPayloadFormat())
	if s.request, err = s.socket.transport.config.NewRequest(tenant, s.asked); err != nil {
		return err
	}
	for {
		err := s.follow(ctx)
		switch {
		case s.opening == nil && errors.Is(err, errChanged):
			next := s.next()
			if next.kind == changeClose {
				s.close(next.id)
				return nil
			}
			if err := s.prepare(next); err != nil {
				s.socket.refuse(next.id, s.name, err)
				next = &change{kind: changeBack, asked: s.asked, request: s.request}
			}
			s.turn(next)
		case s.opening != nil && s.opening.kind == changeUpdate && ctx.Err() == nil:
			s.socket.refuse(s.opening.id, s.name, err)
			s.turn(&change{kind: changeBack, asked: s.opening.asked, request: s.opening.request})
		default:
			return err
		}
	}
}

// turn makes the next stream that of the change, from the position that was last sent to the client. The change keeps the
// previous request.
func (s *subscription) turn(to *change) {
	reached := s.reached
	s.opening = to
	to.asked, s.asked = s.asked, to.asked
	to.request, s.request = s.request, to.request
	s.request.Start = gateway.StartAfter(reached)
}

// follow runs one stream of the hub. A change interrupts the stream, but not before it has begun.
func (s *subscription) follow(ctx context.Context) error {
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	defer s.disarm()
	request := s.request
	request.Flush, request.Entry = s.flush, s.entry
	return s.socket.transport.config.Hub.Subscribe(ctx, request, func(message stream.Message) error {
		if message.Kind == gateway.StreamBegin {
			defer s.arm(interrupt)
			return s.begin(message)
		}
		return s.send(message)
	})
}

func (s *subscription) arm(interrupt context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.changes) > 0 {
		interrupt(errChanged)
		return
	}
	s.interrupt = interrupt
}

func (s *subscription) disarm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupt = nil
}

// leave releases the subscription's name. It refuses changes that came too late.
func (s *subscription) leave() {
	s.mu.Lock()
	late := s.changes
	s.changes, s.over = nil, true
	s.mu.Unlock()
	for _, one := range late {
		s.socket.refuse(one.id, s.name, errNotOpen(s.name))
	}
	s.socket.mu.Lock()
	defer s.socket.mu.Unlock()
	if s.socket.subscriptions[s.name] == s {
		delete(s.socket.subscriptions, s.name)
	}
}

func (s *subscription) close(id string) {
	s.leave()
	s.socket.send(&postriderv1.SocketResponse{
		Id: id, Subscription: s.name,
		Response: &postriderv1.SocketResponse_Unsubscribed{
			Unsubscribed: &postriderv1.SocketUnsubscribed{Cursor: s.reached.String()},
		},
	})
}

// begin responds to the change that the stream makes.
func (s *subscription) begin(message stream.Message) error {
	opened, knew := s.opening, s.live
	s.opening, s.reached, s.live = nil, message.Cursor, message.Live
	if opened.kind == changeOpen {
		return s.put(opened.id, wire.StreamMessage(message.StreamMessage))
	}
	s.socket.client.updated(s.entry, s.asked)
	if opened.kind == changeUpdate {
		err := s.socket.put(&postriderv1.SocketResponse{
			Id: opened.id, Subscription: s.name,
			Response: &postriderv1.SocketResponse_Updated{
				Updated: &postriderv1.SocketUpdated{Cursor: message.Cursor.String()},
			},
		})
		if err != nil {
			return err
		}
	}
	if message.Gap != gateway.GapNone {
		return s.inform(gateway.StreamMessage{Kind: gateway.StreamGap, Cursor: message.Cursor, Gap: message.Gap})
	}
	if message.Live != knew {
		return s.inform(gateway.StreamMessage{Kind: gateway.StreamHeartbeat, Cursor: message.Cursor, Live: message.Live})
	}
	return nil
}

func (s *subscription) send(message stream.Message) (err error) {
	switch message.Kind {
	case gateway.StreamEvent:
		err = s.event(message)
	case gateway.StreamHeartbeat:
		s.live = message.Live
		fallthrough
	default:
		err = s.inform(message.StreamMessage)
	}
	if err == nil {
		s.reached = message.Cursor
	}
	return err
}

// event sends the shared encoding of an event with the subscription's name around it.
func (s *subscription) event(message stream.Message) error {
	frame, err := message.Frame(s.encoding)
	if err != nil {
		return err
	}
	s.ready.Message, s.ready.Filters = frame, message.Filters
	err = s.socket.conn.Append(s.socket.asJSON, s.wrap)
	s.ready = wire.Encoded{}
	if err != nil {
		s.socket.end(errLeft)
	}
	return err
}

func (s *subscription) wrap(dst []byte) ([]byte, error) {
	return wire.AppendSocketMessage(dst, s.name, &s.ready, s.socket.asJSON)
}

func (s *subscription) inform(message gateway.StreamMessage) error {
	return s.put("", wire.StreamMessage(message))
}

func (s *subscription) put(id string, message *postriderv1.SubscribeResponse) error {
	return s.socket.put(&postriderv1.SocketResponse{
		Id: id, Subscription: s.name, Response: &postriderv1.SocketResponse_Message{Message: message},
	})
}

func (s *subscription) flush() error {
	err := s.socket.conn.Flush()
	if err != nil {
		s.socket.end(errLeft)
	}
	return err
}
