package websocket

import (
	"context"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/wire"
)

// maxPublishes bounds the publishes of a connection that are pending; the client is not read while there are more.
const maxPublishes = 256

// publishes are the events of one connection that are not stored yet. A goroutine stores them while there are any.
type publishes struct {
	socket  *socket
	pending *publish.Pending[publishRequest]

	mu sync.Mutex
	// working reports that the goroutine runs.
	working bool
}

type publishRequest struct {
	id      string
	request *postriderv1.PublishRequest
	// charged is what the connection's call is charged for it.
	charged int
	// fault is the fault of the request; nil if it can be tried.
	fault error
}

// publish queues an event, or its fault, so that responses are in the order of the requests. It waits for room, which delays
// only this client. charged is the size of the message with the event.
func (s *socket) publish(asked *postriderv1.SocketRequest, fault error, charged int) {
	if s.publishes == nil {
		s.publishes = &publishes{socket: s, pending: publish.NewPending[publishRequest](maxPublishes)}
	}
	s.publishes.add(publishRequest{id: asked.GetId(), request: asked.GetPublish(), charged: charged, fault: fault})
}

func (p *publishes) add(one publishRequest) {
	if err := p.pending.Add(p.socket.ctx, one, proto.Size(one.request)); err != nil {
		return // The connection has ended.
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.working {
		p.working = p.socket.start(p.work)
	}
}

func (p *publishes) work() {
	for batch := p.take(); len(batch) > 0; batch = p.take() {
		p.store(batch)
		p.release(batch)
		p.socket.flush()
	}
}

func (p *publishes) release(batch []publishRequest) {
	for _, one := range batch {
		p.socket.conn.ReleaseMessage(one.charged)
	}
}

// take returns what is pending. When there is nothing left, or the connection has ended, the work is done.
func (p *publishes) take() []publishRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	batch := p.pending.Take()
	if p.socket.ctx.Err() != nil {
		batch = nil // The client knows by the missing responses, and may publish again.
	}
	p.working = len(batch) > 0
	return batch
}

// store stores a batch, and responds to each publish when its event is on disk or refused. A refused event does not affect
// the others.
func (p *publishes) store(batch []publishRequest) {
	var requests []*postriderv1.PublishRequest
	for _, one := range batch {
		if one.fault == nil {
			requests = append(requests, one.request)
		}
	}
	outcomes, failed := p.commit(requests)
	for _, one := range batch {
		switch {
		case one.fault != nil:
			_ = p.socket.put(wire.SocketError(one.id, "", p.socket.show(one.fault)))
		case failed != nil:
			_ = p.socket.put(wire.SocketError(one.id, "", failed))
		default:
			_ = p.socket.put(p.answer(one.id, outcomes[0]))
			outcomes = outcomes[1:]
		}
	}
}

// commit returns the outcome of each request, or an error for all of them. A commit under way is finished even if the
// connection ends, so that the client can learn its outcome.
func (p *publishes) commit(requests []*postriderv1.PublishRequest) ([]publish.Outcome, *connect.Error) {
	if len(requests) == 0 {
		return nil, nil
	}
	outcomes, err := p.socket.client.publish(context.WithoutCancel(p.socket.ctx), requests)
	if err != nil {
		return nil, p.socket.show(err)
	}
	return outcomes, nil
}

func (p *publishes) answer(id string, outcome publish.Outcome) *postriderv1.SocketResponse {
	if outcome.Refused != nil {
		return wire.SocketError(id, "", p.socket.show(outcome.Refused))
	}
	return &postriderv1.SocketResponse{
		Id: id, Response: &postriderv1.SocketResponse_Published{Published: wire.PublishResponse(outcome.Ack)},
	}
}
