package wire_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

const socketPublish = `{"id":"7","publish":{"tenant":"acme","event":{"type":"a","data":{"n":9007199254740993,"x":1.10}}}}`

// A payload is moved across as text; everything else is as protojson reads it.
func TestReadSocketRequest(t *testing.T) {
	t.Parallel()
	got, err := wire.ReadSocketRequest([]byte(socketPublish), true)
	if err != nil || got.GetId() != "7" || got.GetPublish().GetTenant() != "acme" ||
		got.GetPublish().GetEvent().GetJsonData() != `{"n":9007199254740993,"x":1.10}` {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{
		`{"id":"1","authenticate":{"token":"x"}}`,
		`{"id":"1","subscription":"s","subscribe":{"types":["a.*"],"start":"now","heartbeatInterval":"5s","filters":[{"name":"f"}]}}`,
		`{"subscription":"s","update":{"types":["a"],"expression":"true"}}`,
		`{"subscription":"s","unsubscribe":{}}`,
		` { "ping" : { } } `,
	} {
		want := &postriderv1.SocketRequest{}
		if err := protojson.Unmarshal([]byte(text), want); err != nil {
			t.Fatal(err)
		}
		if got, err := wire.ReadSocketRequest([]byte(text), true); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
		raw, _ := proto.Marshal(want)
		if got, err := wire.ReadSocketRequest(raw, false); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s in binary: got %v, %v", text, got, err)
		}
	}
}

// Faults name the field; publishes and subscribes name it as their calls do.
func TestSocketRequestFaults(t *testing.T) {
	t.Parallel()
	requests, err := wire.NewRequests()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		``:                                  "request: is empty",
		`[]`:                                "request: must be an object",
		`{"ping":{}} x`:                     "request: ",
		`{"colour":"red"}`:                  "colour: is not a known field",
		`{"id":7,"ping":{}}`:                "id: must be a string",
		`{"ping":{},"ping":{}}`:             "ping: is there twice",
		`{"ping":{},"unsubscribe":{}}`:      "request: holds two requests",
		`{"id":"1"}`:                        "request: exactly one field is required",
		`{"subscribe":{"typs":["a"]}}`:      `typs: unknown field "typs"`,
		`{"subscribe":{"types":["a b"]}}`:   "types[0]: must be an event type",
		`{"update":{"types":["a b"]}}`:      "types[0]: must be an event type",
		`{"authenticate":{}}`:               "authenticate.token: ",
		`{"subscription":"a b","ping":{}}`:  "subscription: must be 1 to 64",
		`{"publish":{"event":{"type":7}}}`:  "event.type: must be a string",
		`{"publish":{}}`:                    "event: value is required",
		`{"publish":{"event":{"typ":"a"}}}`: "event.typ: is not a known field",
		`{"id":"` + strings.Repeat("a", 65) + `","publish":{"event":{"type":"a"}}}`: "id: ",
	} {
		request, err := wire.ReadSocketRequest([]byte(text), true)
		if err == nil {
			err = requests.CheckSocket(request)
		}
		var fault *gateway.Error
		if !errors.As(err, &fault) || fault.Code != gateway.CodeInvalid || !strings.HasPrefix(fault.Message, want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	if request, err := wire.ReadSocketRequest([]byte(`{"id":"7","publish":{"event":{"typ":"a"}}}`), true); err == nil || request.GetId() != "7" {
		t.Errorf("the id of a request that cannot be read: %v, %v", request, err)
	}
}

// Responses are the JSON of Protobuf, except for payloads and the spelling of reasons.
func TestAppendSocketResponse(t *testing.T) {
	t.Parallel()
	event := &postriderv1.SubscribeResponse{Cursor: "c", Filters: []string{"f"}, Message: &postriderv1.SubscribeResponse_Event{
		Event: &postriderv1.Event{Id: "e", Payload: &postriderv1.Event_JsonData{JsonData: `{"n":1.10}`}},
	}}
	for _, tt := range []struct {
		response *postriderv1.SocketResponse
		want     string
	}{
		{
			&postriderv1.SocketResponse{Subscription: "s", Response: &postriderv1.SocketResponse_Message{Message: event}},
			`{"subscription":"s","message":{"cursor":"c","event":{"id":"e","data":{"n":1.10}},"filters":["f"]}}`,
		},
		{
			&postriderv1.SocketResponse{Id: "1", Response: &postriderv1.SocketResponse_Published{
				Published: &postriderv1.PublishResponse{Id: "e", Cursor: "c", Duplicate: true},
			}},
			`{"id":"1","published":{"id":"e","cursor":"c","duplicate":true}}`,
		},
		{
			&postriderv1.SocketResponse{Id: "1", Response: &postriderv1.SocketResponse_Pong{Pong: &postriderv1.SocketPong{}}},
			`{"id":"1","pong":{}}`,
		},
		{
			&postriderv1.SocketResponse{Id: "1", Subscription: "s", Response: &postriderv1.SocketResponse_Error{Error: &postriderv1.SocketError{
				Code: "invalid_argument", Reason: postriderv1.ErrorReason_ERROR_REASON_SCHEMA_VIOLATION, Message: "\"a\"",
				Violations: []*postriderv1.SchemaViolation{{Field: "data.a", Rule: "r", Message: "m"}, {Field: "data.b"}},
			}}},
			`{"id":"1","subscription":"s","error":{"code":"invalid_argument","reason":"SCHEMA_VIOLATION","message":"\"a\"",` +
				`"violations":[{"field":"data.a","rule":"r","message":"m"},{"field":"data.b"}]}}`,
		},
		{
			&postriderv1.SocketResponse{Subscription: "s", Response: &postriderv1.SocketResponse_End{End: &postriderv1.SocketEnd{
				Code: "unavailable", Reason: postriderv1.ErrorReason_ERROR_REASON_OVERLOADED, Message: "m", Reconnect: true, Cursor: "c",
			}}},
			`{"subscription":"s","end":{"code":"unavailable","reason":"OVERLOADED","message":"m","reconnect":true,"cursor":"c"}}`,
		},
		{
			&postriderv1.SocketResponse{Response: &postriderv1.SocketResponse_End{End: &postriderv1.SocketEnd{Code: "canceled"}}},
			`{"end":{"code":"canceled"}}`,
		},
	} {
		got, err := wire.AppendSocketResponse(nil, tt.response, true)
		// protojson puts in spaces as it likes.
		if err != nil || strings.ReplaceAll(string(got), ", ", ",") != tt.want {
			t.Errorf("got %s, %v, want %s", got, err, tt.want)
		}
		raw, err := wire.AppendSocketResponse(nil, tt.response, false)
		back := &postriderv1.SocketResponse{}
		if err != nil || proto.Unmarshal(raw, back) != nil || !proto.Equal(back, tt.response) {
			t.Errorf("in binary: %v, %v", back, err)
		}
	}
}

// A message that was encoded before gives the same message as one that is encoded now.
func TestAppendSocketMessage(t *testing.T) {
	t.Parallel()
	for _, filters := range [][]string{nil, {"a"}, {"a", strings.Repeat("b", 200)}} {
		message := &postriderv1.SubscribeResponse{Cursor: "c", Message: &postriderv1.SubscribeResponse_Event{
			Event: &postriderv1.Event{Id: "e", Payload: &postriderv1.Event_JsonData{JsonData: `{"n":1.10}`}},
		}}
		for _, asJSON := range []bool{true, false} {
			encode := wire.EncodeProto
			if asJSON {
				encode = wire.EncodeJSON
			}
			message.Filters = nil
			ready, err := encode(message)
			if err != nil {
				t.Fatal(err)
			}
			got, err := wire.AppendSocketMessage(nil, "s", &wire.Encoded{Message: ready, Filters: filters}, asJSON)
			message.Filters = filters
			want := &postriderv1.SocketResponse{
				Subscription: "s", Response: &postriderv1.SocketResponse_Message{Message: message},
			}
			text, textErr := wire.AppendSocketResponse(nil, want, true)
			back := &postriderv1.SocketResponse{}
			if err != nil || textErr != nil || asJSON && string(got) != string(text) ||
				!asJSON && (proto.Unmarshal(got, back) != nil || !proto.Equal(back, want)) {
				t.Errorf("got %q, want %v", got, want)
			}
		}
	}
}

// Whatever a client sends, it is read or refused, and what is read can be checked.
func FuzzReadSocketRequest(f *testing.F) {
	for _, text := range []string{
		socketPublish, `{"subscribe":{"filters":[{"name":"a"}]}}`, `{"ping":{}}`, `{"authenticate":{"token":"\u0000"}}`, `{"publish":null}`,
	} {
		f.Add([]byte(text), true)
	}
	raw, _ := proto.Marshal(&postriderv1.SocketRequest{Id: "1", Request: &postriderv1.SocketRequest_Publish{
		Publish: &postriderv1.PublishRequest{Event: &postriderv1.Event{Type: "a"}},
	}})
	f.Add(raw, false)
	requests, err := wire.NewRequests()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, asJSON bool) {
		request, err := wire.ReadSocketRequest(data, asJSON)
		if err == nil {
			err = requests.CheckSocket(request)
		}
		if err == nil && request.GetRequest() == nil {
			t.Errorf("%q passes for a request", data)
		}
	})
}
