package wire

import (
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema"
)

// anyPrefix precedes a message's full name in the type URL of a google.protobuf.Any.
const anyPrefix = "type.googleapis.com/"

// NewDraft converts the event of a publish request. Fields that only the server sets are refused by name, as a
// *gateway.Error.
func NewDraft(event *postriderv1.Event) (gateway.Draft, error) {
	if event == nil {
		return gateway.Draft{}, gateway.FieldError("event", "is required")
	}
	if field := setByServer(event); field != "" {
		return gateway.Draft{}, gateway.FieldError("event."+field, "is set by the server")
	}
	draft := gateway.Draft{
		ID: event.GetId(), Type: event.GetType(), Source: event.GetSource(), Subject: event.GetSubject(),
	}
	if event.Time != nil {
		if err := event.Time.CheckValid(); err != nil {
			return gateway.Draft{}, gateway.FieldError("event.time", "must lie between the years 1 and 9999")
		}
		at := event.Time.AsTime()
		draft.Time = &at
	}
	payload, err := newPayload(event)
	draft.Payload = payload
	return draft, err
}

// NewDrafts converts the events of a batch. An error names the index.
func NewDrafts(events []*postriderv1.Event) ([]gateway.Draft, error) {
	drafts := make([]gateway.Draft, len(events))
	for i, event := range events {
		draft, err := NewDraft(event)
		if err != nil {
			return nil, atIndex(err, i)
		}
		drafts[i] = draft
	}
	return drafts, nil
}

func setByServer(event *postriderv1.Event) string {
	switch {
	case event.GetCursor() != "":
		return "cursor"
	case event.AcceptTime != nil:
		return "accept_time"
	case event.GetTenant() != "":
		return "tenant"
	case event.GetSchemaVersion() != 0:
		return "schema_version"
	case event.GetDataSchema() != "":
		return "data_schema"
	case len(event.GetViolations()) > 0:
		return "violations"
	default:
		return ""
	}
}

func newPayload(event *postriderv1.Event) (gateway.Payload, error) {
	switch payload := event.GetPayload().(type) {
	case *postriderv1.Event_JsonData:
		return gateway.Payload{JSON: []byte(payload.JsonData)}, nil
	case *postriderv1.Event_ProtoData:
		message := payload.ProtoData.GetTypeUrl()
		message = message[strings.LastIndexByte(message, '/')+1:]
		if message == "" {
			return gateway.Payload{}, gateway.FieldError("event.proto_data.type_url", "is required")
		}
		return gateway.Payload{Message: message, Binary: payload.ProtoData.GetValue()}, nil
	case *postriderv1.Event_Data:
		// A Struct has numbers as doubles, so the numbers may already be rounded.
		return gateway.Payload{}, gateway.FieldError("event.data", "is for the JSON encoding; send proto_data or json_data")
	case *postriderv1.Event_InvalidData:
		return gateway.Payload{}, gateway.FieldError("event.invalid_data", "is set by the server; send proto_data or json_data")
	default:
		return gateway.Payload{}, nil
	}
}

// EventView converts stored events for one reader.
type EventView struct {
	schemas *schema.Registry
	cursor  func(gateway.Position) gateway.Cursor
	payload gateway.PayloadFormat
}

// NewEventView returns a view. cursor converts a position to its cursor; payload is the format of payloads for the reader
// (FormatFor).
func NewEventView(schemas *schema.Registry, cursor func(gateway.Position) gateway.Cursor, payload gateway.PayloadFormat) EventView {
	return EventView{schemas: schemas, cursor: cursor, payload: payload}
}

// Event converts one event of the named tenant. The message shares the payload with the event and must not be changed.
func (v EventView) Event(event *gateway.Event, tenant string) (*postriderv1.Event, error) {
	shown := &postriderv1.Event{
		Id: event.ID, Type: event.Type, Source: event.Source, Subject: event.Subject,
		Time:       timestamppb.New(event.Time),
		Cursor:     v.cursor(event.Position).String(),
		AcceptTime: timestamppb.New(event.AcceptTime),
		Tenant:     tenant,
	}
	if err := v.showPayload(shown, event); err != nil {
		return nil, err
	}
	return shown, nil
}

// maxShownBytes limits the rendered payloads of a page, which may be many times larger than the stored ones.
const maxShownBytes = 4 << 20

// Events converts events of one tenant: the first ones with up to about 4 MiB of payloads, and at least one.
func (v EventView) Events(events []*gateway.Event, tenant string) ([]*postriderv1.Event, error) {
	shown := make([]*postriderv1.Event, 0, len(events))
	for size := 0; len(shown) < len(events) && size < maxShownBytes; {
		one, err := v.Event(events[len(shown)], tenant)
		if err != nil {
			return nil, err
		}
		shown = append(shown, one)
		size += len(one.GetJsonData()) + len(one.GetInvalidData()) + len(one.GetProtoData().GetValue())
	}
	return shown, nil
}

func (v EventView) showPayload(shown *postriderv1.Event, event *gateway.Event) error {
	var version *schema.Type
	if checked := max(event.Schema, event.Unfit); checked != 0 {
		var err error
		if version, err = v.schemas.Version(checked); err != nil {
			return err
		}
		shown.SchemaVersion = int32(version.Version())
		shown.DataSchema = SchemaPath(version.Name(), version.Version())
		shown.Violations = schemaViolations(event.Violations)
	}
	switch {
	case event.Schema != 0 && v.payload == gateway.PayloadUsual:
		data := &anypb.Any{TypeUrl: anyPrefix + version.Message(), Value: event.Data}
		shown.Payload = &postriderv1.Event_ProtoData{ProtoData: data}
		return nil
	case event.Unfit != 0 && v.payload == gateway.PayloadUsual:
		shown.Payload = &postriderv1.Event_InvalidData{InvalidData: string(event.Data)}
		return nil
	}
	text, err := v.schemas.JSON(event, v.payload)
	if err != nil {
		return err
	}
	shown.Payload = &postriderv1.Event_JsonData{JsonData: string(text)}
	return nil
}

// schemaViolations converts the violations of an event. The paths begin at the event.
func schemaViolations(broken []gateway.Violation) []*postriderv1.SchemaViolation {
	if len(broken) == 0 {
		return nil
	}
	shown := make([]*postriderv1.SchemaViolation, len(broken))
	for i, v := range broken {
		shown[i] = &postriderv1.SchemaViolation{
			Field: strings.TrimPrefix(printable(v.Field), "event."), Rule: v.Rule, Message: printable(v.Message),
		}
	}
	return shown
}

// PublishResponse converts an acknowledgement.
func PublishResponse(ack gateway.Ack) *postriderv1.PublishResponse {
	return &postriderv1.PublishResponse{Id: ack.ID, Cursor: ack.Cursor.String(), Duplicate: ack.Duplicate}
}

// PublishBatchResponse converts the acknowledgements of a batch.
func PublishBatchResponse(acks []gateway.Ack) *postriderv1.PublishBatchResponse {
	results := make([]*postriderv1.PublishResponse, len(acks))
	for i, ack := range acks {
		results[i] = PublishResponse(ack)
	}
	return &postriderv1.PublishBatchResponse{Results: results}
}

// SpeaksJSON reports whether a call's messages are JSON, for any of the protocols. query is the query of the call
// (connect.Peer.Query), in which a Connect GET names its encoding.
func SpeaksJSON(header http.Header, query url.Values) bool {
	contentType := header.Get("Content-Type")
	if contentType == "" {
		return query.Get("encoding") == "json"
	}
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.TrimSpace(mediaType)
	return strings.HasSuffix(mediaType, "/json") || strings.HasSuffix(mediaType, "+json")
}

// FormatFor returns the format of payloads for a reader that requests a format in a call.
func FormatFor(header http.Header, query url.Values, asked postriderv1.PayloadFormat) gateway.PayloadFormat {
	if asked == postriderv1.PayloadFormat_PAYLOAD_FORMAT_UNSPECIFIED && SpeaksJSON(header, query) {
		return gateway.PayloadJSON
	}
	return gateway.PayloadFormat(asked)
}
