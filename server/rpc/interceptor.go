package rpc

import (
	"context"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/wire"
)

// interceptor is a connect.Interceptor of a handler; what is nil changes nothing.
type interceptor struct {
	unary  func(connect.UnaryFunc) connect.UnaryFunc
	stream func(connect.StreamingHandlerFunc) connect.StreamingHandlerFunc
}

func (i interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	if i.unary == nil {
		return next
	}
	return i.unary(next)
}

func (i interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (i interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	if i.stream == nil {
		return next
	}
	return i.stream(next)
}

// unbuffered asks what is between server and client to pass on each message of a stream as it comes.
func unbuffered(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		wire.PassOn(conn.ResponseHeader())
		return next(ctx, conn)
	}
}
