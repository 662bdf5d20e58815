package wire

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/schema/codec"
)

// publishDecoder decodes publish requests. protojson would build a Struct of the payload, which loses digits and order and is
// several times slower.
type publishDecoder struct {
	input  bytes.Buffer
	tokens jsontext.Decoder
	data   []byte
}

var publishDecoders = sync.Pool{New: func() any { return new(publishDecoder) }}

func parsePublish(data []byte, into *postriderv1.PublishRequest) *gateway.Error {
	return parseWhole(data, func(d *publishDecoder) *gateway.Error { return d.publishRequest(into) })
}

// parsePublishStream decodes a request that has the fields of PublishRequest.
func parsePublishStream(data []byte, into *postriderv1.PublishStreamRequest) *gateway.Error {
	same := &postriderv1.PublishRequest{}
	fault := parsePublish(data, same)
	into.Tenant, into.Event = same.Tenant, same.Event
	return fault
}

func parsePublishBatch(data []byte, into *postriderv1.PublishBatchRequest) *gateway.Error {
	return parseWhole(data, func(d *publishDecoder) *gateway.Error { return d.publishBatchRequest(into) })
}

func parseWhole(data []byte, parse func(*publishDecoder) *gateway.Error) *gateway.Error {
	d := publishDecoders.Get().(*publishDecoder)
	defer publishDecoders.Put(d)
	d.data = data
	d.input = *bytes.NewBuffer(data)
	d.tokens.Reset(&d.input)
	defer func() { d.data, d.input = nil, bytes.Buffer{} }()
	if fault := parse(d); fault != nil {
		return fault
	}
	if _, err := d.tokens.ReadToken(); err != io.EOF {
		return trailing(data, d.tokens.InputOffset())
	}
	return nil
}

func (d *publishDecoder) publishRequest(into *postriderv1.PublishRequest) *gateway.Error {
	return d.object("", func(name string) (fault *gateway.Error) {
		switch name {
		case "tenant":
			into.Tenant, fault = d.text("tenant")
		case "event":
			into.Event, fault = d.event("event")
		default:
			fault = unknownField("", name)
		}
		return fault
	})
}

func (d *publishDecoder) publishBatchRequest(into *postriderv1.PublishBatchRequest) *gateway.Error {
	return d.object("", func(name string) (fault *gateway.Error) {
		switch name {
		case "tenant":
			into.Tenant, fault = d.text("tenant")
		case "events":
			into.Events, fault = d.events()
		default:
			fault = unknownField("", name)
		}
		return fault
	})
}

func (d *publishDecoder) events() ([]*postriderv1.Event, *gateway.Error) {
	if d.null() {
		return nil, d.skip()
	}
	if d.tokens.PeekKind() != '[' {
		return nil, d.wrong("events", "must be an array")
	}
	if fault := d.skipToken(); fault != nil {
		return nil, fault
	}
	var events []*postriderv1.Event
	for d.tokens.PeekKind() != ']' {
		if len(events) == gateway.MaxBatch {
			return nil, gateway.FieldError("events", "must contain no more than %d item(s)", gateway.MaxBatch)
		}
		field := "events[" + strconv.Itoa(len(events)) + "]"
		event, fault := d.event(field)
		if fault != nil {
			return nil, fault
		}
		if event == nil {
			return nil, gateway.FieldError(field, "must be an object")
		}
		events = append(events, event)
	}
	return events, d.skipToken()
}

// event decodes an event; nil for null.
func (d *publishDecoder) event(path string) (*postriderv1.Event, *gateway.Error) {
	if d.null() {
		return nil, d.skip()
	}
	event := &postriderv1.Event{}
	fault := d.object(path, func(name string) *gateway.Error { return d.eventField(event, path, name) })
	return event, fault
}

func (d *publishDecoder) eventField(event *postriderv1.Event, path, name string) (fault *gateway.Error) {
	switch name {
	case "id":
		event.Id, fault = d.text(path, ".id")
	case "type":
		event.Type, fault = d.text(path, ".type")
	case "source":
		event.Source, fault = d.text(path, ".source")
	case "subject":
		event.Subject, fault = d.text(path, ".subject")
	case "time":
		event.Time, fault = d.time(path, ".time")
	case "data":
		fault = d.payload(event)
	case "jsonData", "json_data", "protoData", "proto_data", "invalidData", "invalid_data":
		fault = gateway.FieldError(path+"."+name, `is for binary encodings; in JSON the payload is "data", a plain object`)
	case "cursor":
		event.Cursor, fault = d.text(path, ".cursor")
	case "acceptTime", "accept_time":
		event.AcceptTime, fault = d.time(path, ".", name)
	case "tenant":
		event.Tenant, fault = d.text(path, ".tenant")
	case "schemaVersion", "schema_version":
		event.SchemaVersion, fault = d.int32(path, ".", name)
	case "dataSchema", "data_schema":
		event.DataSchema, fault = d.text(path, ".", name)
	case "violations":
		fault = gateway.FieldError(path+".violations", "is set by the server")
	default:
		fault = unknownField(path, name)
	}
	return fault
}

func (d *publishDecoder) payload(event *postriderv1.Event) *gateway.Error {
	value, err := d.tokens.ReadValue()
	if err != nil {
		return codec.SyntaxError(requestField, d.data, err)
	}
	if value.Kind() != 'n' {
		event.Payload = &postriderv1.Event_JsonData{JsonData: string(value)}
	}
	return nil
}

// object decodes an object and calls member with the name of each member; member decodes the value.
func (d *publishDecoder) object(path string, member func(name string) *gateway.Error) *gateway.Error {
	if d.tokens.PeekKind() != '{' {
		return d.wrong(path, "must be an object")
	}
	if fault := d.skipToken(); fault != nil {
		return fault
	}
	for d.tokens.PeekKind() != '}' {
		name, err := d.tokens.ReadToken()
		if err != nil {
			return codec.SyntaxError(requestField, d.data, err)
		}
		if fault := member(name.String()); fault != nil {
			return fault
		}
	}
	return d.skipToken()
}

// text decodes a string; null is the empty one. The path is assembled only for an error.
func (d *publishDecoder) text(path ...string) (string, *gateway.Error) {
	switch d.tokens.PeekKind() {
	case '"':
		token, err := d.tokens.ReadToken()
		if err != nil {
			return "", codec.SyntaxError(requestField, d.data, err)
		}
		return token.String(), nil
	case 'n':
		return "", d.skip()
	default:
		return "", d.wrong(strings.Join(path, ""), "must be a string")
	}
}

func (d *publishDecoder) time(path ...string) (*timestamppb.Timestamp, *gateway.Error) {
	if d.null() {
		return nil, d.skip()
	}
	text, fault := d.text(path...)
	if fault != nil {
		return nil, fault
	}
	at, ok := gateway.ParseTime(text)
	if !ok {
		return nil, gateway.FieldError(strings.Join(path, ""), `must be an RFC 3339 time such as "2024-02-29T12:30:00Z"`)
	}
	return timestamppb.New(at), nil
}

func (d *publishDecoder) int32(path ...string) (int32, *gateway.Error) {
	if d.null() {
		return 0, d.skip()
	}
	value, err := d.tokens.ReadValue()
	if err != nil {
		return 0, codec.SyntaxError(requestField, d.data, err)
	}
	number, err := strconv.ParseFloat(strings.Trim(string(value), `"`), 64)
	if err != nil || number != math.Trunc(number) || math.Abs(number) > math.MaxInt32 {
		return 0, gateway.FieldError(strings.Join(path, ""), "must be a 32-bit integer")
	}
	return int32(number), nil
}

func (d *publishDecoder) null() bool { return d.tokens.PeekKind() == 'n' }

func (d *publishDecoder) skip() *gateway.Error {
	if err := d.tokens.SkipValue(); err != nil {
		return codec.SyntaxError(requestField, d.data, err)
	}
	return nil
}

func (d *publishDecoder) skipToken() *gateway.Error {
	if _, err := d.tokens.ReadToken(); err != nil {
		return codec.SyntaxError(requestField, d.data, err)
	}
	return nil
}

// wrong returns the error for a value of the wrong kind, or for something that is no value at all.
func (d *publishDecoder) wrong(path, message string) *gateway.Error {
	if fault := d.skip(); fault != nil {
		return fault
	}
	if path == "" {
		return malformed(message)
	}
	return gateway.FieldError(path, "%s", message)
}

func unknownField(path, name string) *gateway.Error {
	return gateway.FieldError(string(codec.AppendName([]byte(path), name)), "is not a known field")
}
