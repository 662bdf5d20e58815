package rpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// SocketClient is the client of a WebSocket, with its credentials, which may change during the connection.
type SocketClient struct {
	sockets eventSockets
	from    live.Origin
	began   time.Time
	// refused is why the request's credentials are not accepted.
	refused error
	// call is what the client's messages are charged to.
	call *limit.Call
	// connection is the connection's place among the open streams, to which each of its subscriptions adds one.
	connection *live.Stream

	// admitting serialises changes of credentials and admissions of streams.
	admitting sync.Mutex

	mu            sync.Mutex
	caller        access.Caller
	subscriptions map[*live.Stream]struct{}
}

func (c *SocketClient) credentials() access.Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caller
}

// Ready describes the client's credentials; nil if it has sent none yet.
func (c *SocketClient) Ready(ctx context.Context) (*postriderv1.SocketReady, error) {
	who := c.credentials()
	if c.refused != nil || !who.Known() {
		return nil, c.refused
	}
	return c.show(ctx, who)
}

func (c *SocketClient) show(ctx context.Context, who access.Caller) (*postriderv1.SocketReady, error) {
	tenant, err := c.sockets.access.TenantName(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	ready := &postriderv1.SocketReady{Tenant: tenant}
	if ends := who.Ends(); !ends.IsZero() {
		ready.ExpireTime = timestamppb.New(ends)
	}
	return ready, nil
}

// Authenticate replaces the credentials of the connection and all its streams. If the new ones would not allow all of them, the old
// ones stay in force.
func (c *SocketClient) Authenticate(ctx context.Context, token string) (*postriderv1.SocketReady, error) {
	who, err := c.sockets.access.ByToken(ctx, token)
	if err != nil {
		return nil, err
	}
	ready, err := c.show(ctx, who)
	if err != nil {
		return nil, err
	}
	c.admitting.Lock()
	defer c.admitting.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.charge(who); err != nil {
		return nil, err
	}
	if err := c.sockets.live.RenewConnection(c.connection, c.subscriptions, who); err != nil {
		if unpaid := c.charge(c.caller); unpaid != nil {
			return nil, unpaid
		}
		return nil, err
	}
	c.caller = who
	return ready, nil
}

// Call is what the client's messages are charged to.
func (c *SocketClient) Call() *limit.Call { return c.call }

// Subscribe admits a stream and lists it until carry returns.
func (c *SocketClient) Subscribe(
	ctx context.Context, request *postriderv1.SubscribeRequest,
	carry func(context.Context, *gateway.Tenant, *stream.Entry) error,
) error {
	ctx, tenant, opened, entry, err := c.admit(ctx, request)
	if err != nil {
		return err
	}
	defer c.dismiss(opened)
	return carry(ctx, tenant, entry)
}

func (c *SocketClient) admit(ctx context.Context, request *postriderv1.SubscribeRequest) (
	context.Context, *gateway.Tenant, *live.Stream, *stream.Entry, error,
) {
	c.admitting.Lock()
	defer c.admitting.Unlock()
	who := c.credentials()
	if err := access.Require(who.Principal, access.EventsRead); err != nil {
		return nil, nil, nil, nil, err
	}
	if err := who.Narrow(request); err != nil {
		return nil, nil, nil, nil, err
	}
	ctx = access.With(ctx, who)
	tenant, err := c.sockets.access.Tenant(ctx, who, request.GetTenant())
	if err != nil {
		return nil, nil, nil, nil, err
	}
	ctx, opened, err := c.sockets.live.Open(ctx, c.from)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscriptions == nil {
		c.subscriptions = map[*live.Stream]struct{}{}
	}
	c.subscriptions[opened] = struct{}{}
	entry := c.sockets.live.List(opened, tenant, postriderv1.LiveStream_TRANSPORT_WEBSOCKET, request)
	return ctx, tenant, opened, entry, nil
}

func (c *SocketClient) dismiss(opened *live.Stream) {
	c.mu.Lock()
	delete(c.subscriptions, opened)
	c.mu.Unlock()
	c.sockets.live.Close(opened)
}

// Update confines new filters of a stream to those of the client's ticket.
func (c *SocketClient) Update(request *postriderv1.SocketUpdate) error {
	who := c.credentials()
	asked := &postriderv1.SubscribeRequest{
		Types: request.GetTypes(), Expression: request.GetExpression(), Filters: request.GetFilters(),
	}
	if err := who.Narrow(asked); err != nil {
		return err
	}
	request.Types, request.Expression = asked.GetTypes(), asked.GetExpression()
	return nil
}

// Updated lists what a stream carries now.
func (c *SocketClient) Updated(entry *stream.Entry, request *postriderv1.SubscribeRequest) {
	c.sockets.live.Relist(entry.ID, request)
}

// Publish stores events in order, each for itself.
func (c *SocketClient) Publish(ctx context.Context, requests []*postriderv1.PublishRequest) ([]publish.Outcome, error) {
	who := c.credentials()
	if err := access.Require(who.Principal, access.EventsPublish); err != nil {
		return nil, err
	}
	ctx = access.With(ctx, who)
	prepared := make([]publish.Prepared, len(requests))
	for i, request := range requests {
		var err error
		if prepared[i], err = c.prepare(ctx, request); err != nil {
			return nil, err
		}
	}
	return c.sockets.publisher.PublishEach(ctx, prepared)
}

// prepare checks one event. An error is the server's; a fault of the event is in the result.
func (c *SocketClient) prepare(ctx context.Context, request *postriderv1.PublishRequest) (publish.Prepared, error) {
	var draft gateway.Draft
	tenant, err := c.sockets.access.Tenant(ctx, access.Of(ctx), request.GetTenant())
	if err == nil {
		draft, err = wire.NewDraft(request.GetEvent())
	}
	var refused *gateway.Error
	if errors.As(err, &refused) {
		return publish.Refused(request.GetEvent().GetId(), refused), nil
	}
	if err != nil {
		return publish.Prepared{}, err
	}
	return c.sockets.publisher.Prepare(ctx, tenant, draft)
}

// Done writes the connection's line to the log.
func (c *SocketClient) Done(cause *connect.Error) {
	if c.connection != nil {
		c.sockets.live.Close(c.connection)
	}
	c.write(cause)
}
