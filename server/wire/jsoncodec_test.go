package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

func TestPublishTextMovesAcrossUntouched(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"big integer":       `{"n":9007199254740993}`,
		"trailing zero":     `{"price":1.10,"e":1E+02}`,
		"key order":         `{"b":1,"a":2,"c":{"z":0,"y":0}}`,
		"a key named @type": `{"@type":"anything","x":{"@type":3}}`,
		"white space":       "{ \"a\" :\n\t[ 1 , 2 ] }",
		"escapes":           `{"s":"\u0041\ud83d\ude00\"\\\/","\u0062":1}`,
		"empty":             `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := &postriderv1.PublishRequest{}
			mustRead(t, `{"event":{"type":"a.b","data":`+data+`}}`, request)
			if got := request.GetEvent().GetJsonData(); got != data {
				t.Errorf("read %s, want %s", got, data)
			}
			text, err := jsonCodec(t).Marshal(&postriderv1.GetEventResponse{Event: request.GetEvent()})
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"event":{"type":"a.b","data":` + data + `}}`; string(text) != want {
				t.Errorf("wrote %s, want %s", text, want)
			}
		})
	}
}

func TestMarkedEventsAreWritten(t *testing.T) {
	t.Parallel()
	text, err := jsonCodec(t).Marshal(&postriderv1.GetEventResponse{Event: &postriderv1.Event{
		Id: "e", Payload: &postriderv1.Event_JsonData{JsonData: `{"c": 1.10}`}, SchemaVersion: 3, DataSchema: "/v1/schemas/a/3.json",
		Violations: []*postriderv1.SchemaViolation{{Field: `data.m["k"]`, Message: "is not there"}, {Field: "data", Rule: "r", Message: "<ü>"}},
	}})
	const want = `{"event":{"id":"e","data":{"c": 1.10},"schemaVersion":3,"dataSchema":"/v1/schemas/a/3.json",` +
		`"violations":[{"field":"data.m[\"k\"]","message":"is not there"},{"field":"data","rule":"r","message":"<ü>"}]}}`
	if err != nil || string(text) != want {
		t.Errorf("wrote %s, %v; want %s", text, err, want)
	}
}

func TestPublishRequestReads(t *testing.T) {
	t.Parallel()
	request := &postriderv1.PublishRequest{}
	mustRead(t, ` {"tenant":"acme","event":{"id":"e-1","type":"a.b","source":"/s","subject":"s1",
		"time":"2024-02-29T12:30:00.5+01:00","data":null,"cursor":"c","acceptTime":null,"schema_version":"3"}} `, request)
	event := request.GetEvent()
	if request.GetTenant() != "acme" || event.GetId() != "e-1" || event.GetSource() != "/s" || event.GetSubject() != "s1" ||
		event.GetPayload() != nil || event.GetCursor() != "c" || event.GetSchemaVersion() != 3 {
		t.Errorf("read %v", request)
	}
	if got := event.GetTime().AsTime().Format("15:04:05.0"); got != "11:30:00.5" {
		t.Errorf("time is %s", got)
	}
	batch := &postriderv1.PublishBatchRequest{}
	mustRead(t, `{"tenant":null,"events":[{"type":"a"},{"type":"b","data":{}}]}`, batch)
	if len(batch.GetEvents()) != 2 || batch.GetEvents()[1].GetJsonData() != "{}" {
		t.Errorf("read %v", batch)
	}
}

func TestUnreadableJSON(t *testing.T) {
	t.Parallel()
	publish, batch := &postriderv1.PublishRequest{}, &postriderv1.PublishBatchRequest{}
	create := &postriderv1.CreateSubscriptionRequest{}
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	tests := []struct {
		name, text, field string
		into              proto.Message
		reason            gateway.Reason
	}{
		{"empty", ``, "request", publish, gateway.ReasonMalformedRequest},
		{"not JSON", `hello`, "request", publish, gateway.ReasonMalformedRequest},
		{"not an object", `[1]`, "request", publish, gateway.ReasonMalformedRequest},
		{"cut off", `{"event":{"type":"a`, "request", publish, gateway.ReasonMalformedRequest},
		{"comma missing", `{"event":{"type":"a" "data":{}}}`, "event", publish, gateway.ReasonMalformedRequest},
		{"something behind", `{"event":{"type":"a"}} {}`, "request", publish, gateway.ReasonMalformedRequest},
		{"unknown member", `{"events":{}}`, "events", publish, gateway.ReasonInvalidField},
		{"unknown event member", `{"event":{"type":"a","colour":1}}`, "event.colour", publish, gateway.ReasonInvalidField},
		{"name to be quoted", `{"event":{"a.b":1}}`, `event["a.b"]`, publish, gateway.ReasonInvalidField},
		{"event is text", `{"event":"x"}`, "event", publish, gateway.ReasonInvalidField},
		{"type is a number", `{"event":{"type":5}}`, "event.type", publish, gateway.ReasonInvalidField},
		{"bad time", `{"event":{"time":"yesterday"}}`, "event.time", publish, gateway.ReasonInvalidField},
		{"time with ten digits", `{"event":{"time":"2024-01-01T00:00:00.0123456789Z"}}`, "event.time", publish, gateway.ReasonInvalidField},
		{"time is a number", `{"event":{"time":17}}`, "event.time", publish, gateway.ReasonInvalidField},
		{"jsonData", `{"event":{"jsonData":"{}"}}`, "event.jsonData", publish, gateway.ReasonInvalidField},
		{"json_data", `{"event":{"json_data":"{}"}}`, "event.json_data", publish, gateway.ReasonInvalidField},
		{"protoData", `{"event":{"protoData":{}}}`, "event.protoData", publish, gateway.ReasonInvalidField},
		{"proto_data", `{"event":{"proto_data":{}}}`, "event.proto_data", publish, gateway.ReasonInvalidField},
		{"twice", `{"event":{"type":"a","type":"b"}}`, "event.type", publish, gateway.ReasonMalformedRequest},
		{"twice in data", `{"event":{"data":{"a":{"b":1,"b":2}}}}`, "event.data.a.b", publish, gateway.ReasonMalformedRequest},
		{"invalid UTF-8", "{\"event\":{\"subject\":\"\xff\"}}", "event.subject", publish, gateway.ReasonMalformedRequest},
		{"invalid UTF-8 in data", "{\"event\":{\"data\":{\"a\":[\"\xff\"]}}}", "event.data.a[0]", publish, gateway.ReasonMalformedRequest},
		{"half a surrogate", `{"event":{"data":{"a":"\ud800"}}}`, "event.data.a", publish, gateway.ReasonMalformedRequest},
		{"nested deeply", `{"event":{"data":` + deep + `}}`, "event.data", publish, gateway.ReasonMalformedRequest},
		{"dataSchema is a number", `{"event":{"dataSchema":1}}`, "event.dataSchema", publish, gateway.ReasonInvalidField},
		{"violations", `{"event":{"violations":[]}}`, "event.violations", publish, gateway.ReasonInvalidField},
		{"invalidData", `{"event":{"invalidData":"{}"}}`, "event.invalidData", publish, gateway.ReasonInvalidField},
		{"schemaVersion is text", `{"event":{"schemaVersion":"x"}}`, "event.schemaVersion", publish, gateway.ReasonInvalidField},
		{"batch is an object", `{"events":{}}`, "events", batch, gateway.ReasonInvalidField},
		{"null in a batch", `{"events":[null]}`, "events[0]", batch, gateway.ReasonInvalidField},
		{"second of a batch", `{"events":[{},{"type":1}]}`, "events[1].type", batch, gateway.ReasonInvalidField},
		{"other message, unknown", `{"subscription":{"filter":{"typo":[]}}}`, "subscription.filter.typo", create, gateway.ReasonInvalidField},
		{"other message, on a later line", "{\"subscription\":\n{\"policy\":{\"concurrency\":\"many\"}}}", "subscription.policy.concurrency", create, gateway.ReasonInvalidField},
		{"other message, not JSON", `{"subscription":{`, "request", create, gateway.ReasonMalformedRequest},
		{"other message, invalid UTF-8", "{\"subscription\":{\"name\":\"\xff\"}}", "subscription.name", create, gateway.ReasonMalformedRequest},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fault := unreadable(t, "json", []byte(test.text), proto.Clone(test.into))
			if len(fault.Fields) != 1 || !strings.HasPrefix(fault.Fields[0].Field, test.field) || fault.Reason != test.reason {
				t.Errorf("fields %v, reason %d (%s); want %s, reason %d",
					fault.Fields, fault.Reason, fault.Message, test.field, test.reason)
			}
			if test.name != "nested deeply" && len(fault.Fields) == 1 && fault.Fields[0].Field != test.field {
				t.Errorf("field %s, want %s", fault.Fields[0].Field, test.field)
			}
		})
	}
}

func TestTooLargeRequest(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"json", "proto"} {
		fault := unreadable(t, codec, make([]byte, maxRequest+1), &postriderv1.PublishRequest{})
		if fault.Reason != gateway.ReasonTooLarge || fault.Fields[0].Field != "request" {
			t.Errorf("%s: %v", codec, fault)
		}
	}
}

func TestUnreadableBinary(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{
		"cut off":       {0x12, 0x7f, 1},
		"invalid UTF-8": {0x0a, 0x01, 0xff},
	} {
		if fault := unreadable(t, "proto", raw, &postriderv1.PublishRequest{}); fault.Reason != gateway.ReasonMalformedRequest {
			t.Errorf("%s: %v", name, fault)
		}
	}
}

func TestEventsWriteAsProtojsonDoes(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{}`, `{"a":[1,"x",null,{"b":true}]}`} {
		event := fullEvent(data)
		for _, message := range []proto.Message{
			event,
			&postriderv1.GetEventResponse{Event: event},
			&postriderv1.GetEventResponse{},
			&postriderv1.ListEventsResponse{Events: []*postriderv1.Event{event, {Id: "x"}}, NextPageToken: "n", Cursor: "c", SearchedTime: event.GetAcceptTime()},
			&postriderv1.ListEventsResponse{},
			&postriderv1.SubscribeResponse{Cursor: "c", Message: &postriderv1.SubscribeResponse_Event{Event: event}},
			&postriderv1.SubscribeResponse{Cursor: "c", Message: &postriderv1.SubscribeResponse_Heartbeat{}},
			&postriderv1.PublishResponse{Id: "i\"\n", Cursor: "c", Duplicate: true},
			&postriderv1.PublishResponse{},
			&postriderv1.PublishBatchResponse{Results: []*postriderv1.PublishResponse{{Id: "a"}, {Duplicate: true}}},
			&postriderv1.PublishBatchResponse{},
		} {
			got, err := jsonCodec(t).Marshal(message)
			if err != nil {
				t.Fatal(err)
			}
			if want := protojsonText(t, message); !sameJSON(t, got, want) {
				t.Errorf("%T\n got %s\nwant %s", message, got, want)
			}
		}
	}
}

func TestPayloadThatIsNotTextIsNotWritten(t *testing.T) {
	t.Parallel()
	event := &postriderv1.Event{Payload: &postriderv1.Event_ProtoData{}}
	if text, err := jsonCodec(t).Marshal(&postriderv1.GetEventResponse{Event: event}); err == nil {
		t.Errorf("wrote %s", text)
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	one, _ := json.Marshal(x)
	other, _ := json.Marshal(y)
	return string(one) == string(other)
}
