package rpc

import (
	"context"
	"strconv"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/limit"
)

// The numbers of reads that run at a time, in all and for one tenant; further reads wait. A read holds a page of the database and its
// message before these can be charged, so this bounds the memory that is not charged yet. All keys without a tenant count as one
// tenant.
const (
	readsAtOnce       = 8
	readsOfTenantOnce = 4
)

// reads bounds the memory of unary reads: a response may be ten thousand times as large as its request, and is held until the client
// has read it.
type reads struct {
	tenants *limit.Semaphores
	all     limit.Semaphore
}

func newReads() reads {
	return reads{tenants: limit.NewSemaphores(readsOfTenantOnce), all: limit.NewSemaphore(readsAtOnce)}
}

// bound charges a response to its call, as a body, until it is written.
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

// begin waits for a turn. The tenant's turn comes first, so that few reads of one tenant wait for the common turn.
func (r reads) begin(ctx context.Context) (done func(), err error) {
	own := r.tenants.Of(strconv.FormatInt(int64(access.Of(ctx).Tenant), 10))
	if !own.Acquire(ctx) {
		own.Leave()
		return nil, context.Cause(ctx)
	}
	if !r.all.Acquire(ctx) {
		own.Release()
		own.Leave()
		return nil, context.Cause(ctx)
	}
	return func() {
		r.all.Release()
		own.Release()
		own.Leave()
	}, nil
}
