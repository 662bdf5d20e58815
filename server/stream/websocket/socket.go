package websocket

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

const (
	// authenticateTime is how long a client without credentials has to show some.
	authenticateTime = 10 * time.Second
	// pingInterval is how long a client may be quiet before it is asked for a sign of life.
	pingInterval = 30 * time.Second
	// maxSubscriptions bounds those of one connection.
	maxSubscriptions = 64
)

// errLeft is the cause of an end that the client has made, by a close frame or otherwise: nobody is there to be told.
var errLeft = errors.New("the client has left")

// socket is one connection. One goroutine reads it; each subscription has one of its own, which waits for the hub, and
// publishes have one while there are any. They all write through the connection, so a client that does not read holds up
// its own goroutines and nothing else.
type socket struct {
	transport *Transport
	conn      *Conn
	client    *client
	asJSON    bool
	// ctx ends with the reason why the connection does.
	ctx context.Context
	end context.CancelCauseFunc
	// cause is what the client is told about it.
	cause func() *connect.Error
	// parted is closed when all that there was to tell the client was told.
	parted chan struct{}
	// known says that the client has shown who it is. It is the reader's.
	known bool
	// publishes are those under way. Nil before the first.
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

// greet tells a client that came with credentials what they are good for.
func (s *socket) greet(late *time.Timer) {
	switch ready, err := s.client.ready(s.ctx); {
	case err != nil:
		s.end(err)
	case ready != nil:
		s.welcome("", ready, late)
	}
}

// part tells the client why the connection ends, after its subscriptions have told why they do.
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

// keepAlive pings a client that says nothing. One that does not answer runs into the deadline of the reader.
func (s *socket) keepAlive() *time.Timer {
	var timer *time.Timer
	timer = time.AfterFunc(pingInterval, func() {
		if s.ctx.Err() != nil {
			return
		}
		if s.conn.link.quietFor() >= pingInterval && s.conn.link.ping() != nil {
			return // The reader notices.
		}
		timer.Reset(pingInterval)
	})
	return timer
}

// read takes what the client asks for until there is nothing more to read.
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

// start runs work that the connection waits for at its end; not when that has come.
func (s *socket) start(work func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.work.Go(func() { s.guard(work) })
	return true
}

// guard makes an unexpected error of a panic, which would end the server otherwise.
func (s *socket) guard(work func()) {
	defer func() {
		if cause := recover(); cause != nil {
			s.end(fmt.Errorf("panic on a WebSocket: %v\n%s", cause, debug.Stack()))
		}
	}()
	work()
}

// send tells the client something at once.
func (s *socket) send(response *postriderv1.SocketResponse) {
	if s.put(response) == nil {
		s.flush()
	}
}

// put lets the client be told something with the next flush. A message that cannot be encoded, or a connection that
// cannot be written, ends the connection.
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

// refuse answers a request with an error.
func (s *socket) refuse(id, subscription string, err error) {
	s.send(wire.SocketError(id, subscription, s.show(err)))
}

func errNotAuthenticated(message string) error {
	return gateway.Errorf(gateway.CodeUnauthenticated, gateway.ReasonUnauthenticated, "%s", message)
}
