package wire_test

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/schema/compile"
	"github.com/postrider-dev/postrider/server/wire"
)

func TestNewDraft(t *testing.T) {
	t.Parallel()
	packed, err := anypb.New(&shopv1.Money{Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 2, 29, 12, 30, 0, 5, time.UTC)
	draft, err := wire.NewDraft(&postriderv1.Event{
		Id: "i", Type: "a.b", Source: "/s", Subject: "x", Time: timestamppb.New(at),
		Payload: &postriderv1.Event_ProtoData{ProtoData: packed},
	})
	if err != nil || draft.ID != "i" || draft.Type != "a.b" || draft.Source != "/s" || draft.Subject != "x" ||
		!draft.Time.Equal(at) || draft.Payload.Message != "shop.v1.Money" || string(draft.Payload.Binary) != string(packed.Value) {
		t.Errorf("%+v, %v", draft, err)
	}
	draft, err = wire.NewDraft(&postriderv1.Event{Payload: &postriderv1.Event_JsonData{JsonData: `{ }`}})
	if err != nil || string(draft.Payload.JSON) != `{ }` || draft.Time != nil {
		t.Errorf("%+v, %v", draft, err)
	}
	if draft, err = wire.NewDraft(&postriderv1.Event{}); err != nil || draft.Payload.JSON != nil {
		t.Errorf("%+v, %v", draft, err)
	}
}

func TestNewDraftRefuses(t *testing.T) {
	t.Parallel()
	for field, event := range map[string]*postriderv1.Event{
		"event":                     nil,
		"event.cursor":              {Cursor: "c"},
		"event.accept_time":         {AcceptTime: timestamppb.Now()},
		"event.tenant":              {Tenant: "t"},
		"event.schema_version":      {SchemaVersion: 1},
		"event.data_schema":         {DataSchema: "/v1/schemas/a/1.json"},
		"event.violations":          {Violations: []*postriderv1.SchemaViolation{{}}},
		"event.invalid_data":        {Payload: &postriderv1.Event_InvalidData{InvalidData: "{}"}},
		"event.time":                {Time: &timestamppb.Timestamp{Nanos: -1}},
		"event.data":                {Payload: &postriderv1.Event_Data{Data: &structpb.Struct{}}},
		"event.proto_data.type_url": {Payload: &postriderv1.Event_ProtoData{ProtoData: &anypb.Any{TypeUrl: "x/"}}},
	} {
		_, err := wire.NewDraft(event)
		wantField(t, err, field)
	}
	_, err := wire.NewDrafts([]*postriderv1.Event{{}, {Cursor: "c"}})
	wantField(t, err, "events[1].cursor")
}

func TestEventView(t *testing.T) {
	t.Parallel()
	schemas := shopSchemas(t)
	version := schemas.Snapshot().Type("shop.v1.Money")
	data, _, err := version.FromJSON([]byte(`{"currency":"EUR","minorUnits":"9007199254740993"}`))
	if err != nil || data == nil {
		t.Fatal(err)
	}
	typed := &gateway.Event{Position: 7, Type: "shop.v1.Money", ID: "a", Schema: version.ID(), Data: data}
	untyped := &gateway.Event{Position: 8, Type: "x", ID: "b", Data: []byte(`{"b": 1.10}`)}
	cursor := func(p gateway.Position) gateway.Cursor { return gateway.Cursor{Position: p} }

	shown, err := wire.NewEventView(schemas, cursor, gateway.PayloadUsual).Events([]*gateway.Event{typed, untyped}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	var money shopv1.Money
	if err := shown[0].GetProtoData().UnmarshalTo(&money); err != nil || money.GetMinorUnits() != 9007199254740993 {
		t.Errorf("typed, binary: %v, %v", shown[0], err)
	}
	if shown[0].GetSchemaVersion() != 1 || shown[0].GetTenant() != "acme" || shown[0].GetCursor() != cursor(7).String() {
		t.Errorf("typed, binary: %v", shown[0])
	}
	if shown[1].GetJsonData() != `{"b": 1.10}` || shown[1].GetSchemaVersion() != 0 {
		t.Errorf("untyped, binary: %v", shown[1])
	}
	asJSON, err := wire.NewEventView(schemas, cursor, gateway.PayloadJSON).Event(typed, "acme")
	if err != nil || asJSON.GetJsonData() != `{"currency":"EUR","minorUnits":"9007199254740993"}` {
		t.Errorf("typed, JSON: %v, %v", asJSON, err)
	}
}

// Events that broke their schema show what they break, and those that it cannot hold their text.
func TestMarkedEvents(t *testing.T) {
	t.Parallel()
	schemas := shopSchemas(t)
	version := schemas.Snapshot().Type("shop.v1.Money")
	canonical, _, err := version.EncodeJSON([]byte(`{"currency":"eur"}`))
	if err != nil {
		t.Fatal(err)
	}
	broken := []gateway.Violation{{Field: "event.data.currency", Rule: "string.pattern", Message: "is \"wrong\""}}
	marked := &gateway.Event{Type: "shop.v1.Money", ID: "a", Schema: version.ID(), Data: canonical, Violations: broken}
	unfit := &gateway.Event{Type: "shop.v1.Money", ID: "b", Unfit: version.ID(), Data: []byte(`{"c": 1.10}`), Violations: broken}
	cursor := func(p gateway.Position) gateway.Cursor { return gateway.Cursor{Position: p} }
	view := func(event *gateway.Event, payload gateway.PayloadFormat) *postriderv1.Event {
		shown, err := wire.NewEventView(schemas, cursor, payload).Event(event, "acme")
		if err != nil {
			t.Fatal(err)
		}
		one := shown.GetViolations()
		if shown.GetSchemaVersion() != 1 || shown.GetDataSchema() != "/v1/schemas/shop.v1.Money/1.json" || len(one) != 1 ||
			one[0].GetField() != "data.currency" || one[0].GetRule() != "string.pattern" || one[0].GetMessage() != `is "wrong"` {
			t.Errorf("%s: %v", event.ID, shown)
		}
		return shown
	}
	if shown := view(marked, gateway.PayloadUsual); shown.GetProtoData() == nil {
		t.Errorf("marked, binary: %v", shown)
	}
	if shown := view(marked, gateway.PayloadJSON); shown.GetJsonData() != `{"currency":"eur"}` {
		t.Errorf("marked, JSON: %v", shown)
	}
	if shown := view(unfit, gateway.PayloadUsual); shown.GetInvalidData() != `{"c": 1.10}` {
		t.Errorf("unfit, binary: %v", shown)
	}
	if shown := view(unfit, gateway.PayloadJSONDefaults); shown.GetJsonData() != `{"c": 1.10}` {
		t.Errorf("unfit, JSON: %v", shown)
	}
}

func TestFormatFor(t *testing.T) {
	t.Parallel()
	const unspecified, asked = postriderv1.PayloadFormat_PAYLOAD_FORMAT_UNSPECIFIED, postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON
	const defaults = postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON_DEFAULTS
	for contentType, want := range map[string]gateway.PayloadFormat{
		"application/json": gateway.PayloadJSON, "application/json; charset=utf-8": gateway.PayloadJSON,
		"application/connect+json": gateway.PayloadJSON,
		"application/grpc+json":    gateway.PayloadJSON, "application/grpc-web+json": gateway.PayloadJSON,
		"application/proto": gateway.PayloadUsual, "application/grpc": gateway.PayloadUsual, "application/grpc-web+proto": gateway.PayloadUsual,
	} {
		header := http.Header{"Content-Type": {contentType}}
		if wire.FormatFor(header, nil, unspecified) != want || wire.FormatFor(header, nil, asked) != gateway.PayloadJSON ||
			wire.FormatFor(header, nil, defaults) != gateway.PayloadJSONDefaults {
			t.Errorf("%s: want %d", contentType, want)
		}
	}
	if !wire.SpeaksJSON(http.Header{}, url.Values{"encoding": {"json"}}) ||
		wire.SpeaksJSON(http.Header{}, url.Values{"encoding": {"proto"}}) {
		t.Error("a Connect GET names its encoding in the query")
	}
}

func wantField(t *testing.T, err error, field string) {
	t.Helper()
	var fault *gateway.Error
	if !errors.As(err, &fault) || len(fault.Fields) == 0 || fault.Fields[0].Field != field || fault.Code != gateway.CodeInvalid {
		t.Errorf("error %v, want one of %s", err, field)
	}
}

// shopSchemas loads the example schemas, every type in version 1.
func shopSchemas(tb testing.TB) *schema.Registry {
	tb.Helper()
	set, err := os.ReadFile("../../gen/descriptors/shop.v1.binpb")
	if err != nil {
		tb.Fatal(err)
	}
	types, err := compile.Select(set, compile.Selection{All: true})
	if err != nil {
		tb.Fatal(err)
	}
	var stored []schema.Stored
	for i, one := range types {
		stored = append(stored, schema.Stored{
			ID: gateway.SchemaID(i + 1), Type: one.Type, Message: one.Message, Files: one.Files, Version: 1, Latest: true,
		})
	}
	registry := schema.NewRegistry()
	registry.Load(stored, 1)
	return registry
}
