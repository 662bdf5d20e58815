package wire_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

const maxRequest = 1 << 16

func codecOf(tb testing.TB, name string) connect.Codec {
	tb.Helper()
	found := wire.Codec(name, maxRequest)
	if found == nil || found.Name() != name {
		tb.Fatalf("there is no codec %q", name)
	}
	return found
}

func jsonCodec(tb testing.TB) connect.Codec { return codecOf(tb, "json") }

func mustRead(tb testing.TB, text string, into proto.Message) {
	tb.Helper()
	if err := jsonCodec(tb).Unmarshal([]byte(text), into); err != nil {
		tb.Fatal(err)
	}
	if err := wire.Refusal(into); err != nil {
		tb.Fatal(err)
	}
}

// unreadable returns why a codec could not read a request.
func unreadable(tb testing.TB, codec string, data []byte, into proto.Message) *gateway.Error {
	tb.Helper()
	if err := codecOf(tb, codec).Unmarshal(data, into); err != nil {
		tb.Fatal(err)
	}
	var fault *gateway.Error
	if !errors.As(wire.Refusal(into), &fault) || fault.Code != gateway.CodeInvalid {
		tb.Fatalf("was read: %v", into)
	}
	return fault
}

func fullEvent(data string) *postriderv1.Event {
	return &postriderv1.Event{
		Id: "evt_1", Type: "a.b", Source: "/s?x=<é>&\u2028", Subject: "\"quoted\"\t\x01",
		Time:    &timestamppb.Timestamp{Seconds: 1709209800, Nanos: 500_000_000},
		Payload: &postriderv1.Event_JsonData{JsonData: data},
		Cursor:  "c", AcceptTime: &timestamppb.Timestamp{Seconds: -1, Nanos: 1}, Tenant: "default", SchemaVersion: 7,
	}
}

// protojsonText writes a message with protojson, payloads as a Struct under data.
func protojsonText(tb testing.TB, message proto.Message) []byte {
	tb.Helper()
	shown := proto.Clone(message)
	for _, event := range eventsOf(shown) {
		if text, ok := event.GetPayload().(*postriderv1.Event_JsonData); ok {
			data := &structpb.Struct{}
			if err := protojson.Unmarshal([]byte(text.JsonData), data); err != nil {
				tb.Fatal(err)
			}
			event.Payload = &postriderv1.Event_Data{Data: data}
		}
	}
	text, err := protojson.Marshal(shown)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func eventsOf(message proto.Message) []*postriderv1.Event {
	switch message := message.(type) {
	case *postriderv1.Event:
		return []*postriderv1.Event{message}
	case *postriderv1.GetEventResponse:
		if message.Event != nil {
			return []*postriderv1.Event{message.Event}
		}
	case *postriderv1.ListEventsResponse:
		return message.Events
	case *postriderv1.SubscribeResponse:
		if message.GetEvent() != nil {
			return []*postriderv1.Event{message.GetEvent()}
		}
	}
	return nil
}

// serve runs one unary handler with the codecs and interceptors of this package.
func serve(tb testing.TB, handle func(*postriderv1.PublishRequest) error) *httptest.Server {
	tb.Helper()
	requests, err := wire.NewRequests()
	if err != nil {
		tb.Fatal(err)
	}
	procedure := "/postrider.v1.EventService/Publish"
	mux := http.NewServeMux()
	mux.Handle(procedure, connect.NewUnaryHandler(procedure,
		func(_ context.Context, r *connect.Request[postriderv1.PublishRequest]) (*connect.Response[postriderv1.PublishResponse], error) {
			if err := handle(r.Msg); err != nil {
				return nil, err
			}
			return connect.NewResponse(&postriderv1.PublishResponse{Id: r.Msg.GetEvent().GetId()}), nil
		},
		wire.Codecs(maxRequest),
		connect.WithInterceptors(wire.NewErrors(logger(tb)), requests),
	))
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	return server
}
