// Package rpcstream carries live streams over Connect, gRPC and gRPC-Web: EventService.Subscribe.
package rpcstream

import (
	"context"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// Transport serves Subscribe.
type Transport struct {
	hub *stream.Hub
	// binary and json are the encodings of a whole response, by the format of payloads.
	binary, json map[gateway.PayloadFormat]*stream.Encoding
}

// New returns a transport that reads from hub. view returns how events look for a reader that gets payloads in a format.
func New(hub *stream.Hub, view func(gateway.PayloadFormat) wire.EventView) *Transport {
	encoding := func(format gateway.PayloadFormat, encode func(*postriderv1.SubscribeResponse) ([]byte, error)) *stream.Encoding {
		shown := view(format)
		return hub.NewEncoding(func(event *gateway.Event, tenant string) ([]byte, error) {
			message, err := shown.Event(event, tenant)
			if err != nil {
				return nil, err
			}
			return encode(wire.StreamEvent(message, nil))
		})
	}
	t := &Transport{hub: hub, binary: map[gateway.PayloadFormat]*stream.Encoding{
		gateway.PayloadUsual: encoding(gateway.PayloadUsual, wire.EncodeProto),
	}, json: map[gateway.PayloadFormat]*stream.Encoding{}}
	for _, format := range []gateway.PayloadFormat{gateway.PayloadJSON, gateway.PayloadJSONDefaults} {
		t.binary[format], t.json[format] = encoding(format, wire.EncodeProto), encoding(format, wire.EncodeJSON)
	}
	t.json[gateway.PayloadUsual] = t.json[gateway.PayloadJSON]
	return t
}

// Subscribe sends the requested events of the tenant until either side ends the stream. It keeps the entry up to date.
func (t *Transport) Subscribe(
	ctx context.Context, tenant *gateway.Tenant, entry *stream.Entry, request *connect.Request[postriderv1.SubscribeRequest],
	to *connect.ServerStream[postriderv1.SubscribeResponse],
) error {
	asked, err := NewRequest(tenant, request.Msg)
	if err != nil {
		return err
	}
	asked.Entry = entry
	if w := coalescerOf(ctx); w != nil {
		w.hold()
		defer w.release()
		asked.Flush = w.flush
	}
	encoding, ready := t.encoding(request), &wire.Encoded{}
	return t.hub.Subscribe(ctx, asked, func(message stream.Message) error {
		if message.Kind != gateway.StreamEvent {
			return to.Send(wire.StreamMessage(message.StreamMessage))
		}
		frame, err := message.Frame(encoding)
		if err != nil {
			return err
		}
		ready.Message, ready.Filters = frame, message.Filters
		return to.Conn().Send(ready)
	})
}

// encoding returns the encoding of the caller's protocol and format.
func (t *Transport) encoding(request *connect.Request[postriderv1.SubscribeRequest]) *stream.Encoding {
	return t.Encoding(wire.SpeaksJSON(request.Header(), request.Peer().Query), request.Msg.GetPayloadFormat())
}

// Encoding returns the encoding of a SubscribeResponse with an event, in JSON or Protobuf. Other transports with the same
// messages share it.
func (t *Transport) Encoding(asJSON bool, format postriderv1.PayloadFormat) *stream.Encoding {
	encodings := t.binary
	if asJSON {
		encodings = t.json
	}
	if encoding := encodings[gateway.PayloadFormat(format)]; encoding != nil {
		return encoding
	}
	return encodings[gateway.PayloadUsual]
}

// NewRequest parses a subscriber's request. Its errors name the fields.
func NewRequest(tenant *gateway.Tenant, from *postriderv1.SubscribeRequest) (stream.Request, error) {
	filters, err := newFilters(from)
	if err != nil {
		return stream.Request{}, err
	}
	start, err := gateway.ParseStart("start", from.GetStart())
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
