package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
)

// Errors is the interceptor that converts errors of handlers and other interceptors to those that clients see. It must be the
// outermost.
type Errors struct{ logger *slog.Logger }

// NewErrors returns the interceptor. Unexpected errors are logged once.
func NewErrors(logger *slog.Logger) *Errors { return &Errors{logger: logger} }

// WrapUnary implements connect.Interceptor.
func (e *Errors) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		response, err := next(ctx, request)
		if err != nil {
			return nil, ConnectError(ctx, e.logger, err)
		}
		return response, nil
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (e *Errors) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if err := next(ctx, conn); err != nil {
			return ConnectError(ctx, e.logger, err)
		}
		return nil
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (e *Errors) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// Requests is the interceptor that refuses requests that the codecs could not decode or that break a rule of the contract. It
// comes after authentication and before everything that reads the message.
type Requests struct{ validator protovalidate.Validator }

// NewRequests returns the interceptor.
func NewRequests() (*Requests, error) {
	validator, err := protovalidate.New()
	if err != nil {
		return nil, fmt.Errorf("prepare the rules of the contract: %w", err)
	}
	return &Requests{validator: validator}, nil
}

// Check returns the error of a decoded request, including the one that its codec recorded.
func (r *Requests) Check(request any) error {
	message, ok := request.(proto.Message)
	if !ok {
		return fmt.Errorf("request is a %T", request)
	}
	if err := readRefusal(message); err != nil {
		return err
	}
	if plainlyValid(message) {
		return nil
	}
	if err := checkText(message); err != nil {
		return err
	}
	err := r.validator.Validate(message, protovalidate.WithFailFast())
	if err != nil && hasFewFaults(message) {
		err = r.validator.Validate(message)
	}
	var broken *protovalidate.ValidationError
	if errors.As(err, &broken) {
		return ruleError(broken)
	}
	return err
}

// WrapUnary implements connect.Interceptor.
func (r *Requests) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		if err := r.Check(request.Any()); err != nil {
			return nil, err
		}
		return next(ctx, request)
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (r *Requests) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return next(ctx, &checkedConn{StreamingHandlerConn: conn, requests: r})
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (r *Requests) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

type checkedConn struct {
	connect.StreamingHandlerConn
	requests *Requests
}

func (c *checkedConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return c.requests.Check(message)
}
