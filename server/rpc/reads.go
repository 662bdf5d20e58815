package rpc

import (
	"context"
	"strconv"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/postrider-dev/postrider/server/limit"
)

// How many reads are being answered at a time, in all and for one tenant; the others wait. A read holds its page of the database
// and the message that is made of it before it can be charged for them, so this bounds what is not charged yet. Keys that are confined
// to no tenant count as one.
const (
	readsAtOnce       = 8
	readsOfTenantOnce = 4
)

// reads bounds what unary reads take: what one returns may be ten thousand times as large as its request, and it is held until its client
// has read it.
type reads struct {
	tenants *limit.Turns
	all     limit.Turn
}

func newReads() reads {
	return reads{tenants: limit.NewTurns(readsOfTenantOnce), all: limit.NewTurn(readsAtOnce)}
}

// bound charges a read's answer to its call as a body is, until the answer is written.
func (r reads) bound(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		if request.Spec().IdempotencyLevel != connect.IdempotencyNoSideEffects {
			return next(ctx, request)
		}
		done, err := r.begin(ctx)
		if err != nil {
			return nil, err
		}
		defer done()
		response, err := next(ctx, request)
		if err != nil {
			return nil, err
		}
		if message, ok := response.Any().(proto.Message); ok {
			err = limit.CallOf(ctx).Charge(proto.Size(message))
		}
		return response, err
	}
}

// begin waits for a turn. The tenant's comes first: those who wait for the other one are never many of one tenant.
func (r reads) begin(ctx context.Context) (done func(), err error) {
	own := r.tenants.Of(strconv.FormatInt(int64(callerOf(ctx).Tenant), 10))
	if !own.Take(ctx) {
		own.Leave()
		return nil, context.Cause(ctx)
	}
	if !r.all.Take(ctx) {
		own.Give()
		own.Leave()
		return nil, context.Cause(ctx)
	}
	return func() {
		r.all.Give()
		own.Give()
		own.Leave()
	}, nil
}
