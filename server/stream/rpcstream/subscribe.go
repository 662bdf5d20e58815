// Package rpcstream carries live streams over Connect, gRPC and gRPC-Web: EventService.Subscribe.
package rpcstream

import (
	"context"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// View shows events to one reader.
type View interface {
	Event(event *gateway.Event, tenant string) (*postriderv1.Event, error)
}

// Transport serves Subscribe.
type Transport struct {
	hub *stream.Hub
	// view makes the view of a reader who gets every payload as JSON text, or of one who does not.
	view func(asJSON bool) View
}

// New makes a transport that reads from hub and shows events through view.
func New(hub *stream.Hub, view func(asJSON bool) View) *Transport {
	return &Transport{hub: hub, view: view}
}

// Subscribe sends the tenant's events that the request asks for until either side ends the stream, and keeps its entry.
func (t *Transport) Subscribe(
	ctx context.Context, tenant *gateway.Tenant, entry *stream.Entry, request *connect.Request[postriderv1.SubscribeRequest],
	to *connect.ServerStream[postriderv1.SubscribeResponse],
) error {
	asked, err := NewRequest(tenant, request.Msg)
	if err != nil {
		return err
	}
	asked.Entry = entry
	view := t.view(wire.WantsJSON(request.Header(), request.Peer().Query, request.Msg.GetPayloadFormat()))
	return t.hub.Subscribe(ctx, asked, func(message stream.Message) error {
		shown, err := show(message, view, tenant.Name)
		if err != nil {
			return err
		}
		return to.Send(shown)
	})
}

// NewRequest reads what a subscriber asks for. Its errors name the fields.
func NewRequest(tenant *gateway.Tenant, from *postriderv1.SubscribeRequest) (stream.Request, error) {
	filters, err := newFilters(from)
	if err != nil {
		return stream.Request{}, err
	}
	start, err := newStart(from.GetStart())
	if err != nil {
		return stream.Request{}, err
	}
	policy, ok := slowPolicies[from.GetSlowPolicy()]
	if !ok {
		return stream.Request{}, gateway.FieldError("slow_policy", "%d is not a slow policy", from.GetSlowPolicy())
	}
	return stream.Request{
		Tenant: tenant, Filters: filters, Start: start, SlowPolicy: policy,
		Heartbeat: from.GetHeartbeatInterval().AsDuration(),
	}, nil
}

var slowPolicies = map[postriderv1.SlowPolicy]stream.SlowPolicy{
	postriderv1.SlowPolicy_SLOW_POLICY_UNSPECIFIED:   stream.CatchUp,
	postriderv1.SlowPolicy_SLOW_POLICY_CATCH_UP:      stream.CatchUp,
	postriderv1.SlowPolicy_SLOW_POLICY_LATEST_BY_KEY: stream.LatestByKey,
	postriderv1.SlowPolicy_SLOW_POLICY_DROP:          stream.Drop,
	postriderv1.SlowPolicy_SLOW_POLICY_DISCONNECT:    stream.Disconnect,
}

func newStart(text string) (stream.Start, error) {
	start, err := wire.ParseStart("start", text)
	if err != nil {
		return stream.Start{}, err
	}
	switch start.Kind {
	case wire.StartEarliest:
		return stream.Start{Earliest: true}, nil
	case wire.StartCursor:
		return stream.Start{Cursor: &start.Cursor}, nil
	case wire.StartTime:
		return stream.Start{Time: start.Time}, nil
	default:
		return stream.Start{}, nil
	}
}

func show(message stream.Message, view View, tenant string) (*postriderv1.SubscribeResponse, error) {
	switch message.Kind {
	case stream.KindBegin:
		return wire.StreamBegin(wire.Begin{
			At: message.Cursor, Gap: message.Gap, Stream: message.Stream, Expires: message.Expires, Live: message.Live,
		}), nil
	case stream.KindHeartbeat:
		return wire.StreamHeartbeat(message.Cursor, message.Live), nil
	case stream.KindGap:
		return wire.StreamGap(message.Cursor, message.Gap), nil
	case stream.KindDropped:
		return wire.StreamDropped(message.Cursor, message.Dropped), nil
	default:
		event, err := view.Event(message.Event, tenant)
		if err != nil {
			return nil, err
		}
		return wire.StreamEvent(event, message.Filters), nil
	}
}
