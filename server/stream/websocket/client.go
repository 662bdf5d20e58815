package websocket

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// client is the client of a WebSocket, with its credentials, which may change during the connection.
type client struct {
	transport *Transport
	from      live.Origin
	began     time.Time
	// refused is the reason why the credentials of the request are not accepted.
	refused error
	// call is the call to which the client's messages are charged.
	call *limit.Call
	// connection is the entry of the connection among the open streams. Each of its subscriptions adds another one.
	connection *live.Stream

	// admitting serialises changes of credentials and admissions of streams.
	admitting sync.Mutex

	mu            sync.Mutex
	caller        access.Caller
	subscriptions map[*live.Stream]struct{}
}

func (c *client) credentials() access.Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caller
}

// ready describes the client's credentials; nil if the client has sent none yet.
func (c *client) ready(ctx context.Context) (*postriderv1.SocketReady, error) {
	who := c.credentials()
	if c.refused != nil || !who.Known() {
		return nil, c.refused
	}
	return c.show(ctx, who)
}

func (c *client) show(ctx context.Context, who access.Caller) (*postriderv1.SocketReady, error) {
	tenant, err := c.transport.config.Access.TenantName(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	ready := &postriderv1.SocketReady{Tenant: tenant}
	if ends := who.Ends(); !ends.IsZero() {
		ready.ExpireTime = timestamppb.New(ends)
	}
	return ready, nil
}

// authenticate replaces the credentials of the connection and of all its streams. If the new credentials do not allow all of
// the streams, the old ones stay in force.
func (c *client) authenticate(ctx context.Context, token string) (*postriderv1.SocketReady, error) {
	who, err := c.transport.config.Access.ByToken(ctx, token)
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
	if err := c.transport.config.Live.RenewConnection(c.connection, c.subscriptions, who); err != nil {
		if unpaid := c.charge(c.caller); unpaid != nil {
			return nil, unpaid
		}
		return nil, err
	}
	c.caller = who
	return ready, nil
}

// subscribe admits a stream and lists it until carry returns.
func (c *client) subscribe(
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

func (c *client) admit(ctx context.Context, request *postriderv1.SubscribeRequest) (
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
	tenant, err := c.transport.config.Access.Tenant(ctx, who, request.GetTenant())
	if err != nil {
		return nil, nil, nil, nil, err
	}
	ctx, opened, err := c.transport.config.Live.Open(ctx, c.from)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscriptions == nil {
		c.subscriptions = map[*live.Stream]struct{}{}
	}
	c.subscriptions[opened] = struct{}{}
	entry := c.transport.config.Live.List(opened, tenant, postriderv1.LiveStream_TRANSPORT_WEBSOCKET, request)
	return ctx, tenant, opened, entry, nil
}

func (c *client) dismiss(opened *live.Stream) {
	c.mu.Lock()
	delete(c.subscriptions, opened)
	c.mu.Unlock()
	c.transport.config.Live.Close(opened)
}

// update limits the new filters of a stream to those of the client's ticket.
func (c *client) update(request *postriderv1.SocketUpdate) error {
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

// updated updates the list with the new request of a stream.
func (c *client) updated(entry *stream.Entry, request *postriderv1.SubscribeRequest) {
	c.transport.config.Live.Relist(entry.ID, request)
}

// publish stores events in order, each on its own.
func (c *client) publish(ctx context.Context, requests []*postriderv1.PublishRequest) ([]publish.Outcome, error) {
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
	return c.transport.config.Publisher.PublishEach(ctx, prepared)
}

// prepare checks one event. An error is a fault of the server; a fault of the event is in the result.
func (c *client) prepare(ctx context.Context, request *postriderv1.PublishRequest) (publish.Prepared, error) {
	var draft gateway.Draft
	tenant, err := c.transport.config.Access.Tenant(ctx, access.Of(ctx), request.GetTenant())
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
	return c.transport.config.Publisher.Prepare(ctx, tenant, draft)
}

// refuse responds to a request that is not upgraded.
func (c *client) refuse(ctx context.Context, w http.ResponseWriter, r *http.Request, err error) {
	shown := c.transport.show(ctx, err)
	wire.WriteError(w, r, c.transport.config.Logger, shown)
	c.done(shown)
}

// done logs the connection. It is called once, at the end, with what the client was sent, or would have been sent if it had
// not left.
func (c *client) done(cause *connect.Error) {
	if c.connection != nil {
		c.transport.config.Live.Close(c.connection)
	}
	c.transport.config.Access.Log().Write(access.With(context.Background(), c.credentials()), access.Line{
		Procedure: Path, Protocol: "websocket", Peer: c.from.Address, Began: c.began, Quiet: true,
		Code: cause.Code().String(), Err: cause,
	})
}
