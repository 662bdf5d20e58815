package rpc

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/wire"
)

type openStreamKey struct{}

// openStreamOf returns the registered stream of a streaming call.
func openStreamOf(ctx context.Context) *live.Stream {
	opened, _ := ctx.Value(openStreamKey{}).(*live.Stream)
	return opened
}

// registered keeps a streaming call in the registry of open streams for as long as it lasts.
func (a *API) registered(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		ctx, opened, err := a.config.Live.Open(ctx, live.NewOrigin(conn.Peer().Addr, conn.RequestHeader()))
		if err != nil {
			return err
		}
		defer a.config.Live.Close(opened)
		call := limit.CallOf(ctx)
		call.Settle()
		return next(context.WithValue(ctx, openStreamKey{}, opened), &settlingConn{StreamingHandlerConn: conn, call: call})
	}
}

// settlingConn returns the memory of a stream's request to its budget when the first response is sent: the stream may stay open for
// long. Memory of messages that a client streams is returned message by message.
type settlingConn struct {
	connect.StreamingHandlerConn
	call    *limit.Call
	settled bool
}

// Send implements connect.StreamingHandlerConn.
func (c *settlingConn) Send(message any) error {
	if !c.settled && c.Spec().StreamType == connect.StreamTypeServer {
		c.settled = true
		c.call.Settle()
	}
	return wire.Unsent(c.StreamingHandlerConn.Send(message))
}

// admission is how a caller was authenticated.
func admission(c access.Caller) postriderv1.LiveStream_Admission {
	switch {
	case c.Ticket != nil:
		return postriderv1.LiveStream_ADMISSION_TICKET
	case !c.SessionEnd.IsZero():
		return postriderv1.LiveStream_ADMISSION_SESSION
	default:
		return postriderv1.LiveStream_ADMISSION_KEY
	}
}

// lag is the number of events that a stream has not processed yet, given the head of the log.
func lag(v live.View, head gateway.Position) int64 {
	if v.Idle() {
		return 0
	}
	return max(0, int64(head-v.Reached()))
}

// showStream shows a stream against the log as it is now.
func showStream(v live.View, log *store.Store) *postriderv1.LiveStream {
	reached := v.Reached()
	shown := &postriderv1.LiveStream{
		Id: v.ID, Tenant: v.Tenant.Name, Transport: v.Transport,
		Admission: admission(v.Caller), RemoteAddress: v.Origin.Address, UserAgent: v.Origin.UserAgent,
		Filters: v.Filters, SlowPolicy: v.SlowPolicy,
		Cursor: log.Cursor(reached).String(), Lag: lag(v, log.Head()),
		Live: v.Live(), Sent: v.Sent(), Dropped: v.Dropped(), OpenTime: timestamppb.New(v.OpenTime),
	}
	if v.Caller.KeyID != access.AdminKeyID {
		shown.ApiKeyId, shown.ApiKeyName = v.Caller.KeyID, v.Caller.KeyName
	}
	if ends := v.Caller.Ends(); !ends.IsZero() {
		shown.ExpireTime = timestamppb.New(ends)
	}
	return shown
}
