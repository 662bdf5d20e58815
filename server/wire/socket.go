package wire

import (
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/codec"
)

// ReadSocketRequest decodes a request of a WebSocket's client. If it returns an error, the request has as much of id and
// subscription as could be decoded. It does not validate the rules of the contract: see Requests.CheckSocket.
func ReadSocketRequest(data []byte, asJSON bool) (*postriderv1.SocketRequest, error) {
	request := &postriderv1.SocketRequest{}
	var fault *gateway.Error
	switch {
	case asJSON && len(data) == 0:
		fault = malformed("is empty; send a JSON object")
	case asJSON:
		fault = parseWhole(data, func(d *publishDecoder) *gateway.Error { return d.socketRequest(request) })
	default:
		fault = parseProto(data, request)
	}
	if fault != nil {
		return request, fault
	}
	return request, nil
}

// CheckSocket validates a request of a WebSocket. Errors of a publish and of a subscribe name their fields as those of
// Publish and Subscribe do.
func (r *Requests) CheckSocket(request *postriderv1.SocketRequest) error {
	outer := &postriderv1.SocketRequest{Id: request.GetId(), Subscription: request.GetSubscription(), Request: request.GetRequest()}
	var inner proto.Message
	switch asked := request.GetRequest().(type) {
	case *postriderv1.SocketRequest_Publish:
		inner = asked.Publish
	case *postriderv1.SocketRequest_Subscribe:
		inner = asked.Subscribe
	case *postriderv1.SocketRequest_Update:
		inner = asked.Update
	}
	if inner != nil {
		if err := r.Check(inner); err != nil {
			return err
		}
		// Only the fields around it are left to validate.
		outer.Request = &postriderv1.SocketRequest_Ping{Ping: &postriderv1.SocketPing{}}
	}
	return r.Check(outer)
}

// socketRequest decodes the request whose payload, if any, must stay text; protojson decodes the rest.
func (d *publishDecoder) socketRequest(into *postriderv1.SocketRequest) *gateway.Error {
	return d.object("", func(name string) (fault *gateway.Error) {
		switch name {
		case "id":
			into.Id, fault = d.text("id")
			return fault
		case "subscription":
			into.Subscription, fault = d.text("subscription")
			return fault
		}
		if into.GetRequest() != nil {
			return malformed("holds two requests; send one a message")
		}
		switch name {
		case "authenticate":
			asked := &postriderv1.SocketAuthenticate{}
			into.Request, fault = &postriderv1.SocketRequest_Authenticate{Authenticate: asked}, d.message(asked)
		case "subscribe":
			asked := &postriderv1.SubscribeRequest{}
			into.Request, fault = &postriderv1.SocketRequest_Subscribe{Subscribe: asked}, d.message(asked)
		case "update":
			asked := &postriderv1.SocketUpdate{}
			into.Request, fault = &postriderv1.SocketRequest_Update{Update: asked}, d.message(asked)
		case "unsubscribe":
			asked := &postriderv1.SocketUnsubscribe{}
			into.Request, fault = &postriderv1.SocketRequest_Unsubscribe{Unsubscribe: asked}, d.message(asked)
		case "publish":
			asked := &postriderv1.PublishRequest{}
			into.Request, fault = &postriderv1.SocketRequest_Publish{Publish: asked}, d.publishRequest(asked)
		case "ping":
			asked := &postriderv1.SocketPing{}
			into.Request, fault = &postriderv1.SocketRequest_Ping{Ping: asked}, d.message(asked)
		default:
			fault = unknownField("", name)
		}
		return fault
	})
}

// message decodes an object into a message without a payload.
func (d *publishDecoder) message(into proto.Message) *gateway.Error {
	value, err := d.tokens.ReadValue()
	if err != nil {
		return codec.SyntaxError(requestField, d.data, err)
	}
	if err := protojson.Unmarshal(value, into); err != nil {
		return jsonFault(value, err)
	}
	return nil
}

// AppendSocketResponse appends a response of a WebSocket, as JSON or in binary. In JSON, a payload must be JSON text: see
// EventView.
func AppendSocketResponse(dst []byte, response *postriderv1.SocketResponse, asJSON bool) ([]byte, error) {
	if asJSON {
		return appendSocketResponse(dst, response)
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, response)
}

func appendSocketResponse(dst []byte, response *postriderv1.SocketResponse) ([]byte, error) {
	var name string
	var inner func([]byte) ([]byte, error)
	switch told := response.GetResponse().(type) {
	case *postriderv1.SocketResponse_Message:
		name, inner = "message", func(dst []byte) ([]byte, error) { return appendSubscribeResponse(dst, told.Message) }
	case *postriderv1.SocketResponse_Published:
		name, inner = "published", func(dst []byte) ([]byte, error) { return appendPublishResponse(dst, told.Published) }
	case *postriderv1.SocketResponse_Error:
		name, inner = "error", func(dst []byte) ([]byte, error) { return appendSocketError(dst, told.Error) }
	case *postriderv1.SocketResponse_End:
		name, inner = "end", func(dst []byte) ([]byte, error) { return appendSocketEnd(dst, told.End) }
	default:
		return protojson.MarshalOptions{}.MarshalAppend(dst, response)
	}
	m := open(dst)
	m.text("id", response.GetId())
	m.text("subscription", response.GetSubscription())
	m.value(name, inner)
	return m.close()
}

// A reason is spelled as on every other transport, without the prefix of the enum that protojson would write.

func appendSocketError(dst []byte, refused *postriderv1.SocketError) ([]byte, error) {
	m := open(dst)
	m.text("code", refused.GetCode())
	m.text("reason", reasonText(refused.GetReason()))
	m.text("message", refused.GetMessage())
	if len(refused.GetViolations()) > 0 {
		m.value("violations", func(dst []byte) ([]byte, error) {
			return appendList(dst, refused.GetViolations(), appendViolation)
		})
	}
	return m.close()
}

func appendSocketEnd(dst []byte, end *postriderv1.SocketEnd) ([]byte, error) {
	m := open(dst)
	m.text("code", end.GetCode())
	m.text("reason", reasonText(end.GetReason()))
	m.text("message", end.GetMessage())
	if end.GetReconnect() {
		m.name("reconnect")
		m.dst = append(m.dst, "true"...)
	}
	m.text("cursor", end.GetCursor())
	return m.close()
}

func reasonText(reason postriderv1.ErrorReason) string {
	if reason == postriderv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
		return ""
	}
	return strings.TrimPrefix(reason.String(), reasonPrefix)
}

// The numbers of fields of SocketResponse.
const (
	socketSubscriptionField = protowire.Number(2)
	socketMessageField      = protowire.Number(4)
)

// AppendSocketMessage appends an encoded message of a subscription.
func AppendSocketMessage(dst []byte, subscription string, message *Encoded, asJSON bool) ([]byte, error) {
	if asJSON {
		m := open(dst)
		m.text("subscription", subscription)
		m.value("message", func(dst []byte) ([]byte, error) { return message.appendJSON(dst), nil })
		return m.close()
	}
	size := len(message.Message)
	for _, name := range message.Filters {
		size += protowire.SizeTag(filtersField) + protowire.SizeBytes(len(name))
	}
	dst = protowire.AppendTag(dst, socketSubscriptionField, protowire.BytesType)
	dst = protowire.AppendString(dst, subscription)
	dst = protowire.AppendTag(dst, socketMessageField, protowire.BytesType)
	return message.appendProto(protowire.AppendVarint(dst, uint64(size))), nil
}

// SocketError returns the response to a refused request.
func SocketError(id, subscription string, cause *connect.Error) *postriderv1.SocketResponse {
	return &postriderv1.SocketResponse{Id: id, Subscription: subscription, Response: &postriderv1.SocketResponse_Error{
		Error: &postriderv1.SocketError{
			Code: cause.Code().String(), Reason: reasonValue(cause), Message: cause.Message(), Violations: violationsOf(cause),
		},
	}}
}

// SocketEnd returns the last message of a subscription, with its cursor, or of the connection, without a subscription and a
// cursor.
func SocketEnd(subscription string, cause *connect.Error, cursor string) *postriderv1.SocketResponse {
	return &postriderv1.SocketResponse{Subscription: subscription, Response: &postriderv1.SocketResponse_End{
		End: &postriderv1.SocketEnd{
			Code: cause.Code().String(), Reason: reasonValue(cause), Message: cause.Message(),
			Reconnect: NewStreamEnd(cause).Reconnect, Cursor: cursor,
		},
	}}
}

func reasonValue(shown *connect.Error) postriderv1.ErrorReason {
	return postriderv1.ErrorReason(postriderv1.ErrorReason_value[reasonPrefix+ReasonOf(shown)])
}

// violationsOf returns the violations of an error.
func violationsOf(shown *connect.Error) []*postriderv1.SchemaViolation {
	var found []*postriderv1.SchemaViolation
	for _, detail := range shown.Details() {
		value, err := detail.Value()
		if err != nil {
			continue
		}
		switch value := value.(type) {
		case *errdetails.BadRequest:
			for _, field := range value.GetFieldViolations() {
				found = append(found, &postriderv1.SchemaViolation{
					Field: field.GetField(), Rule: field.GetReason(), Message: field.GetDescription(),
				})
			}
		case *validate.Violations:
			for _, field := range value.GetViolations() {
				found = append(found, &postriderv1.SchemaViolation{
					Field: protovalidate.FieldPathString(field.GetField()), Rule: field.GetRuleId(), Message: field.GetMessage(),
				})
			}
		}
	}
	return found
}
