package websocket

import (
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
)

// change is a change of a subscription that the client asked for.
type change struct {
	kind changeKind
	// id is the id of the request to which the change responds.
	id string
	// asked and request are the new request of an update. Once the update is made, they are the previous one.
	asked   *postriderv1.SubscribeRequest
	request stream.Request
}

type changeKind uint8

const (
	changeOpen changeKind = iota
	changeUpdate
	changeClose
	// changeBack returns a subscription to its previous filters, because those of an update do not compile.
	changeBack
)

// maxChanges bounds the pending changes of a subscription.
const maxChanges = 16

func (s *socket) subscribe(request *postriderv1.SocketRequest, asked *postriderv1.SubscribeRequest) error {
	sub := &subscription{
		socket: s, name: request.GetSubscription(), asked: asked,
		opening: &change{kind: changeOpen, id: request.GetId()},
	}
	if sub.name == "" {
		return gateway.FieldError("subscription", "is required: choose a name for the subscription")
	}
	if err := s.enter(sub); err != nil {
		return err
	}
	s.start(sub.run)
	return nil
}

func (s *socket) enter(sub *subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subscriptions[sub.name] != nil {
		return gateway.Errorf(gateway.CodeAlreadyExists, gateway.ReasonNameTaken,
			"subscription %q is open on this connection", sub.name)
	}
	if len(s.subscriptions) >= maxSubscriptions {
		return gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonTooManyStreams,
			"a connection carries at most %d subscriptions", maxSubscriptions)
	}
	s.subscriptions[sub.name] = sub
	return nil
}

func (s *socket) find(name string) (*subscription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub := s.subscriptions[name]; sub != nil {
		return sub, nil
	}
	return nil, errNotOpen(name)
}

func errNotOpen(name string) error {
	return gateway.Errorf(gateway.CodeNotFound, gateway.ReasonNotFound, "subscription %q is not open on this connection", name)
}

func (s *socket) update(request *postriderv1.SocketRequest, asked *postriderv1.SocketUpdate) error {
	sub, err := s.find(request.GetSubscription())
	if err != nil {
		return err
	}
	if err := s.client.update(asked); err != nil {
		return err
	}
	return sub.want(&change{kind: changeUpdate, id: request.GetId(), asked: &postriderv1.SubscribeRequest{
		Types: asked.GetTypes(), Expression: asked.GetExpression(), Filters: asked.GetFilters(),
	}})
}

func (s *socket) unsubscribe(request *postriderv1.SocketRequest) error {
	sub, err := s.find(request.GetSubscription())
	if err != nil {
		return err
	}
	return sub.want(&change{kind: changeClose, id: request.GetId()})
}

func (s *subscription) want(wanted *change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return errNotOpen(s.name)
	}
	if len(s.changes) >= maxChanges {
		return gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonOverloaded,
			"%d changes of the subscription are not made yet", maxChanges)
	}
	s.changes = append(s.changes, wanted)
	if s.interrupt != nil {
		s.interrupt(errChanged)
	}
	return nil
}

// next returns the oldest pending change.
func (s *subscription) next() *change {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.changes[0]
	s.changes = s.changes[1:]
	return next
}

// prepare completes an update with the fields that it does not change.
func (s *subscription) prepare(update *change) (err error) {
	whole := proto.CloneOf(s.asked)
	whole.Types, whole.Expression, whole.Filters = update.asked.GetTypes(), update.asked.GetExpression(), update.asked.GetFilters()
	update.asked = whole
	update.request, err = s.socket.transport.config.NewRequest(s.tenant, whole)
	return err
}
