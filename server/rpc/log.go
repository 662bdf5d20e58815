package rpc

import (
	"context"
	"log/slog"
	"time"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/gen/go/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/limit"
)

// requestLog writes one line for each request: procedure, caller, result and duration. Requests
// that succeeded and changed nothing are logged at debug, and so are publishes, of which there are thousands a second.
// Refused requests are sampled.
type requestLog struct {
	logger  *slog.Logger
	refused *limit.Sampler
}

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
	level := logLevel(spec, err)
	if !l.logger.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{
		slog.String("procedure", spec.Procedure),
		slog.String("protocol", peer.Protocol),
		slog.String("peer", peer.Addr),
		slog.String("key", callerOf(ctx).KeyID),
		slog.Duration("took", time.Since(began)),
	}
	if err == nil {
		attributes = append(attributes, slog.String("code", "ok"))
	} else {
		attributes = append(attributes, slog.String("code", connect.CodeOf(err).String()), slog.String("error", err.Error()))
	}
	if err != nil && level < slog.LevelError {
		l.refused.Log(ctx, level, "request", attributes...)
		return
	}
	l.logger.LogAttrs(ctx, level, "request", attributes...)
}

func logLevel(spec connect.Spec, err error) slog.Level {
	if err == nil {
		return successLevel(spec)
	}
	switch connect.CodeOf(err) {
	case connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
		return slog.LevelError
	case connect.CodeCanceled:
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

func successLevel(spec connect.Spec) slog.Level {
	switch {
	case spec.IdempotencyLevel == connect.IdempotencyNoSideEffects, spec.StreamType != connect.StreamTypeUnary,
		spec.Procedure == postriderv1connect.EventServicePublishProcedure,
		spec.Procedure == postriderv1connect.EventServicePublishBatchProcedure:
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}
