package websocket

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

const (
	// authenticateTime is how long a client without credentials may take to send some.
	authenticateTime = 10 * time.Second
	// pingInterval is how long a client may be silent before it is sent a ping.
	pingInterval = 30 * time.Second
	// maxSubscriptions bounds the subscriptions of one connection.
	maxSubscriptions = 64
)

// errLeft is the cause when the client ended the connection, by a close frame or otherwise. Nothing can be sent to it then.
var errLeft = errors.New("the client has left")

// socket is one connection. One goroutine reads from it. Each subscription has a goroutine that waits for the hub, and
// publishes have one while there are any. All of them write through the connection, so a client that does not read delays
// only its own goroutines.
type socket struct {
	transport *Transport
	conn      *Conn
	client    *client
	asJSON    bool
	// ctx ends with the reason why the connection ends.
	ctx context.Context
	end context.CancelCauseFunc
	// cause returns what the client is sent as that reason.
	cause func() *connect.Error
	// parted is closed when everything for the client was sent.
	parted chan struct{}
	// known means that the client is authenticated. Only the reader uses it.
	known bool
	// publishes holds the publishes under way; nil before the first.
	publishes *publishes

	mu            sync.Mutex
	ended         bool
	work          sync.WaitGroup
	subscriptions map[string]*subscription
}

func newSocket(ctx context.Context, t *Transport, conn *Conn, client *client) *socket {
	s := &socket{
		transport: t, conn: conn, client: client, asJSON: conn.Subprotocol() != BinaryProtocol,
		parted: make(chan struct{}), subscriptions: map[string]*subscription{},
	}
	s.ctx, s.end = context.WithCancelCause(ctx)
	s.cause = sync.OnceValue(func() *connect.Error { return s.show(context.Cause(s.ctx)) })
	return s
}

// run serves the connection until it has ended.
func (s *socket) run() {
	defer s.transport.remove(s)
	context.AfterFunc(s.ctx, s.part)
	late := time.AfterFunc(authenticateTime, func() { s.end(errNotAuthenticated("no credentials came within 10 s")) })
	alive := s.keepAlive()
	s.guard(func() {
		s.greet(late)
		s.read(late)
	})
	late.Stop()
	alive.Stop()
	s.end(errLeft)
	<-s.parted
	s.conn.Release()
	s.client.done(s.cause())
}

// greet describes the credentials of the request to the client that sent them.
func (s *socket) greet(late *time.Timer) {
	switch ready, err := s.client.ready(s.ctx); {
	case err != nil:
		s.end(err)
	case ready != nil:
		s.welcome("", ready, late)
	}
}

// part sends the reason why the connection ends, after the subscriptions have sent theirs.
func (s *socket) part() {
	defer close(s.parted)
	s.conn.link.leave()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.work.Wait()
	if errors.Is(context.Cause(s.ctx), errLeft) {
		return
	}
	cause := s.cause()
	_ = s.conn.Append(s.asJSON, s.encoder(wire.SocketEnd("", cause, "")))
	s.conn.Close(closeCode(cause), cause.Message())
}

func (s *socket) show(err error) *connect.Error {
	if errors.Is(err, errLeft) {
		return connect.NewError(connect.CodeCanceled, err)
	}
	return s.transport.show(context.WithoutCancel(s.ctx), err)
}

// keepAlive pings a silent client. If the client does not respond, the deadline of the reader ends the connection.
func (s *socket) keepAlive() *time.Timer {
	var timer *time.Timer
	timer = time.AfterFunc(pingInterval, func() {
		if s.ctx.Err() != nil {
			return
		}
		if s.conn.link.quietFor() >= pingInterval && s.conn.link.ping() != nil {
			return // the reader notices the failed connection
		}
		timer.Reset(pingInterval)
	})
	return timer
}

// read handles the client's requests until nothing more can be read.
func (s *socket) read(late *time.Timer) {
	for {
		text, message, err := s.conn.Read()
		var told *gateway.Error
		if errors.As(err, &told) {
			s.end(told)
		}
		if err != nil {
			return
		}
		if text != s.asJSON {
			s.conn.Close(CloseUnsupported, "the subprotocol has messages of the other kind")
			return
		}
		request, err := wire.ReadSocketRequest(message, s.asJSON)
		if err == nil {
			err = s.transport.requests.CheckSocket(request)
		}
		if err == nil && s.known && request.GetPublish() != nil {
			s.publish(request, nil, len(message))
			continue
		}
		if err == nil {
			err = s.answer(request, late)
		}
		switch {
		case err != nil && s.known && request.GetPublish() != nil:
			s.publish(request, err, len(message))
			continue
		case err != nil:
			s.refuse(request.GetId(), request.GetSubscription(), err)
		}
		s.conn.ReleaseMessage(len(message))
	}
}

func (s *socket) answer(request *postriderv1.SocketRequest, late *time.Timer) error {
	switch asked := request.GetRequest().(type) {
	case *postriderv1.SocketRequest_Authenticate:
		ready, err := s.client.authenticate(s.ctx, asked.Authenticate.GetToken())
		if err != nil {
			return err
		}
		s.welcome(request.GetId(), ready, late)
		return nil
	case *postriderv1.SocketRequest_Ping:
		s.send(&postriderv1.SocketResponse{
			Id: request.GetId(), Response: &postriderv1.SocketResponse_Pong{Pong: &postriderv1.SocketPong{}},
		})
		return nil
	}
	if !s.known {
		return errNotAuthenticated("authenticate first")
	}
	switch asked := request.GetRequest().(type) {
	case *postriderv1.SocketRequest_Subscribe:
		return s.subscribe(request, asked.Subscribe)
	case *postriderv1.SocketRequest_Update:
		return s.update(request, asked.Update)
	case *postriderv1.SocketRequest_Unsubscribe:
		return s.unsubscribe(request)
	default:
		return fmt.Errorf("a request of type %T has no answer", asked)
	}
}

func (s *socket) welcome(id string, ready *postriderv1.SocketReady, late *time.Timer) {
	late.Stop()
	s.known = true
	s.send(&postriderv1.SocketResponse{Id: id, Response: &postriderv1.SocketResponse_Ready{Ready: ready}})
}

// start runs work for which the connection waits at its end. It returns false when the connection has already ended.
func (s *socket) start(work func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.work.Go(func() { s.guard(work) })
	return true
}

// guard turns a panic, which would end the server, into an internal error.
func (s *socket) guard(work func()) {
	defer func() {
		if cause := recover(); cause != nil {
			s.end(fmt.Errorf("panic on a WebSocket: %v\n%s", cause, debug.Stack()))
		}
	}()
	work()
}

// send sends a response at once.
func (s *socket) send(response *postriderv1.SocketResponse) {
	if s.put(response) == nil {
		s.flush()
	}
}

// put buffers a response until the next flush. If the response cannot be encoded or the connection cannot be written to, it
// ends the connection.
func (s *socket) put(response *postriderv1.SocketResponse) error {
	err := s.conn.Append(s.asJSON, s.encoder(response))
	if err != nil {
		s.end(errLeft)
	}
	return err
}

func (s *socket) flush() {
	if s.conn.Flush() != nil {
		s.end(errLeft)
	}
}

func (s *socket) encoder(response *postriderv1.SocketResponse) func([]byte) ([]byte, error) {
	return func(dst []byte) ([]byte, error) { return wire.AppendSocketResponse(dst, response, s.asJSON) }
}

// refuse responds to a request with an error.
func (s *socket) refuse(id, subscription string, err error) {
	s.send(wire.SocketError(id, subscription, s.show(err)))
}

func errNotAuthenticated(message string) error {
	return gateway.Errorf(gateway.CodeUnauthenticated, gateway.ReasonUnauthenticated, "%s", message)
}
