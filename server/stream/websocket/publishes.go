package websocket

import (
	"context"
	"sync"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// Bounds of the publishes of a connection that wait; beyond, the client is not read.
const (
	maxPublishes    = 256
	maxPublishBytes = 4 << 20
)

// publishes are the events of one connection on their way to the disk. They are stored in the order they came in: those
// that come while a commit is under way go together into the next.
type publishes struct {
	socket *socket

	mu      sync.Mutex
	room    sync.Cond
	waiting []publish
	bytes   int
	// working says that a goroutine is at it.
	working bool
}

type publish struct {
	id     string
	tenant string
	event  *postriderv1.Event
	bytes  int
	// fault is what is wrong with the request; nil for one that can be tried.
	fault error
}

// publish queues an event, or the fault of one, so that answers keep the order of the requests. It waits for room, which
// holds up nobody but the client.
func (s *socket) publish(id string, request *postriderv1.PublishRequest, fault error) {
	if s.publishes == nil {
		s.publishes = &publishes{socket: s}
		s.publishes.room.L = &s.publishes.mu
	}
	s.publishes.add(publish{
		id: id, tenant: request.GetTenant(), event: request.GetEvent(), bytes: proto.Size(request.GetEvent()), fault: fault,
	})
}

func (p *publishes) add(one publish) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.working && (len(p.waiting) >= maxPublishes || p.bytes+one.bytes > maxPublishBytes) {
		p.room.Wait()
	}
	p.waiting = append(p.waiting, one)
	p.bytes += one.bytes
	if !p.working {
		p.working = p.socket.start(p.work)
	}
}

func (p *publishes) work() {
	for batch := p.take(); len(batch) > 0; batch = p.take() {
		p.store(batch)
		p.socket.flush()
	}
}

// take answers what waits for the same tenant, up to where another comes, or a fault. When there is nothing left, or the
// connection has ended, the work is done.
func (p *publishes) take() []publish {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.room.Signal()
	if p.socket.ctx.Err() != nil {
		p.waiting, p.bytes = nil, 0 // The client knows by the missing answers, and may publish again.
	}
	n := 0
	for n < len(p.waiting) && (n == 0 || p.waiting[n].joins(p.waiting[0])) {
		p.bytes -= p.waiting[n].bytes
		n++
	}
	batch := p.waiting[:n:n]
	if p.waiting = p.waiting[n:]; len(p.waiting) == 0 {
		p.waiting = nil
	}
	p.working = n > 0
	return batch
}

// joins says whether two publishes can be stored at once.
func (p publish) joins(other publish) bool {
	return p.fault == nil && other.fault == nil && p.tenant == other.tenant
}

// store answers each event once it is on disk. One that is refused does not keep the others back.
func (p *publishes) store(batch []publish) {
	if batch[0].fault != nil {
		_ = p.socket.put(wire.SocketError(batch[0].id, "", p.socket.show(batch[0].fault)))
		return
	}
	events := make([]*postriderv1.Event, len(batch))
	for i, one := range batch {
		events[i] = one.event
	}
	// What is under way is finished although the connection may end: that is how its client learns of it.
	stored, err := p.socket.client.Publish(context.WithoutCancel(p.socket.ctx), batch[0].tenant, events)
	switch {
	case err == nil:
		for i, one := range batch {
			_ = p.socket.put(&postriderv1.SocketResponse{
				Id: one.id, Response: &postriderv1.SocketResponse_Published{Published: stored[i]},
			})
		}
	case len(batch) > 1 && ofOneEvent(err):
		for i := range batch {
			p.store(batch[i : i+1])
		}
	default:
		shown := p.socket.show(err)
		for _, one := range batch {
			_ = p.socket.put(wire.SocketError(one.id, "", shown))
		}
	}
}

// ofOneEvent says whether an error may be the fault of one event among several.
func ofOneEvent(err error) bool {
	switch gateway.ErrorCode(err) {
	case gateway.CodeInvalid, gateway.CodeAlreadyExists, gateway.CodeFailedPrecondition:
		return true
	default:
		return false
	}
}
