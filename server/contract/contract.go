// Package contract holds the API as descriptors and calls it in process. Edges, such as REST or GraphQL, are to be
// built on it alone. An edge reads its own protocol, calls a method here, and writes the result; a call passes through the same access
// checks, limits, validation, log and error mapping as one that comes over RPC.
package contract

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Contract is the methods of the API, and the way to call them.
type Contract struct {
	methods []*Method
	named   map[protoreflect.FullName]*Method
}

// New makes the contract of some services. procedures serves each method at its path, as over HTTP; what breaks there unexpectedly is
// logged.
func New(services []protoreflect.ServiceDescriptor, procedures http.Handler, logger *slog.Logger) *Contract {
	c := &Contract{named: map[protoreflect.FullName]*Method{}}
	through := &transport{procedures: procedures, logger: logger}
	for _, service := range services {
		for i := range service.Methods().Len() {
			method := newMethod(service.Methods().Get(i), through)
			c.methods = append(c.methods, method)
			c.named[method.FullName()] = method
		}
	}
	return c
}

// Methods returns every method of the API.
func (c *Contract) Methods() []*Method { return c.methods }

// Method returns the method with a full name, such as postrider.v1.EventService.Publish; nil if there is none.
func (c *Contract) Method(name protoreflect.FullName) *Method { return c.named[name] }

// Response is the result of a unary call.
type Response struct {
	Message proto.Message
	// Header is what the method sets besides, such as cookies.
	Header http.Header
}

// Call calls a unary method for a caller. The request is a generated or a dynamic message; the response is a generated one. The error is
// a *connect.Error with the code, the details and the headers that the same call has over RPC.
//
// ctx is that of the edge's own request: what the call costs is charged to that request.
func (c *Contract) Call(ctx context.Context, caller Caller, method *Method, request proto.Message) (*Response, error) {
	if method.isStream() {
		return nil, misused("%s is a stream", method.FullName())
	}
	if err := method.check(request); err != nil {
		return nil, err
	}
	asked := connect.NewRequest(&message{request})
	caller.send(asked.Header())
	response, err := method.client.CallUnary(withCall(ctx, &call{caller: caller, method: method}), asked)
	if err != nil {
		return nil, refusal(err)
	}
	return &Response{Message: response.Msg.Message, Header: received(response.Header())}, nil
}

// Stream is a call of a streaming method.
type Stream struct {
	conn   *connect.BidiStreamForClient[message, message]
	call   *call
	cancel context.CancelFunc
}

// Stream begins to call a streaming method for a caller; a method that is unary is an error of the first Receive. The stream ends with
// ctx, which is that of the edge's own request. Close must be called.
func (c *Contract) Stream(ctx context.Context, caller Caller, method *Method) *Stream {
	s := &Stream{call: &call{caller: caller, method: method, done: make(chan struct{})}}
	ctx, s.cancel = context.WithCancel(withCall(ctx, s.call))
	s.conn = method.client.CallBidiStream(ctx)
	caller.send(s.conn.RequestHeader())
	return s
}

// Send sends a request. It returns io.EOF once the stream has ended; Receive returns why. A method that takes many requests may wait for
// its responses to be received before it takes the next one, so another goroutine has to receive them.
func (s *Stream) Send(request proto.Message) error {
	if err := s.call.method.check(request); err != nil {
		return err
	}
	return s.conn.Send(&message{request})
}

// CloseSend says that no further request comes. A method that takes one request begins then.
func (s *Stream) CloseSend() error { return s.conn.CloseRequest() }

// Receive waits for the next response. It returns io.EOF at the end, or the *connect.Error that the same call has over RPC.
func (s *Stream) Receive() (proto.Message, error) {
	response, err := s.conn.Receive()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, refusal(err)
	}
	return response.Message, nil
}

// Close ends the stream and waits until nothing of it runs any more.
func (s *Stream) Close() {
	s.cancel()
	_ = s.conn.CloseRequest() // Begins the call where nothing was sent, so that it is over below.
	_ = s.conn.CloseResponse()
	<-s.call.done
}
