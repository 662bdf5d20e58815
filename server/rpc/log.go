package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/telemetry"
)

// requestLog writes the log's line for each call.
type requestLog struct{ access.Log }

func (l requestLog) interceptor() interceptor {
	return interceptor{unary: l.unary, stream: l.stream}
}

func (l requestLog) unary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		began := time.Now()
		response, err := next(ctx, request)
		l.write(ctx, request.Spec(), request.Peer(), began, err)
		return response, err
	}
}

func (l requestLog) stream(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		began := time.Now()
		err := next(ctx, conn)
		l.write(ctx, conn.Spec(), conn.Peer(), began, err)
		return err
	}
}

func (l requestLog) write(ctx context.Context, spec connect.Spec, peer connect.Peer, began time.Time, err error) {
	l.Write(ctx, access.Line{
		Procedure: spec.Procedure, Protocol: telemetry.ProtocolOf(ctx, peer.Protocol), Peer: peer.Addr, Began: began, Quiet: isQuiet(spec),
		Code: codeName(err), Err: err,
	})
}

// codeName is the code of an error as it is logged.
func codeName(err error) string {
	if err == nil {
		return "ok"
	}
	return connect.CodeOf(err).String()
}

// isQuiet reports whether a procedure changes nothing, or is a publish.
func isQuiet(spec connect.Spec) bool {
	return spec.IdempotencyLevel == connect.IdempotencyNoSideEffects || spec.StreamType != connect.StreamTypeUnary ||
		spec.Procedure == postriderv1connect.EventServicePublishProcedure ||
		spec.Procedure == postriderv1connect.EventServicePublishBatchProcedure
}
