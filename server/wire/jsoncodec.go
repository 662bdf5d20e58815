package wire

import (
	"fmt"
	"regexp"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// jsonCodec is the JSON encoding of Protobuf, with two differences: unknown fields are refused, and payloads are plain
// objects under "data", copied as text in both directions. Messages with events have their own code; all others use
// protojson.
type jsonCodec struct {
	reader
	name string
}

func (c jsonCodec) Name() string { return c.name }

func (c jsonCodec) Unmarshal(data []byte, target any) error { return c.read(data, target, parseJSON) }

func (c jsonCodec) Marshal(source any) ([]byte, error) { return c.MarshalAppend(nil, source) }

// MarshalAppend implements the optional interface through which Connect reuses its buffers.
func (jsonCodec) MarshalAppend(dst []byte, source any) ([]byte, error) {
	if ready, ok := source.(*Encoded); ok {
		return ready.appendJSON(dst), nil
	}
	message, ok := source.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a message", source)
	}
	return AppendJSON(dst, message)
}

// AppendJSON appends a message as JSON clients see it. Its payload must be JSON text: see EventView.
func AppendJSON(dst []byte, message proto.Message) ([]byte, error) {
	switch message := message.(type) {
	case *postriderv1.PublishResponse:
		return appendPublishResponse(dst, message)
	case *postriderv1.PublishBatchResponse:
		return appendPublishBatchResponse(dst, message)
	case *postriderv1.GetEventResponse:
		return appendGetEventResponse(dst, message)
	case *postriderv1.ListEventsResponse:
		return appendListEventsResponse(dst, message)
	case *postriderv1.SubscribeResponse:
		return appendSubscribeResponse(dst, message)
	case *postriderv1.Event:
		return appendEvent(dst, message)
	default:
		return protojson.MarshalOptions{}.MarshalAppend(dst, message)
	}
}

func parseJSON(data []byte, message proto.Message) *gateway.Error {
	if len(data) == 0 {
		return malformed("is empty; send a JSON object")
	}
	switch message := message.(type) {
	case *postriderv1.PublishRequest:
		return parsePublish(data, message)
	case *postriderv1.PublishBatchRequest:
		return parsePublishBatch(data, message)
	case *postriderv1.PublishStreamRequest:
		return parsePublishStream(data, message)
	}
	if fault := checkParts(data, jsonParts); fault != nil {
		return fault
	}
	if err := protojson.Unmarshal(data, message); err != nil {
		return jsonFault(data, err)
	}
	return nil
}

// protojsonFault matches errors of protojson: `(line 1:23): unknown field "colour"`.
var protojsonFault = regexp.MustCompile(`\(line (\d+):(\d+)\): (.*)$`)

// jsonFault returns an error that names the field that protojson could not read.
func jsonFault(data []byte, err error) *gateway.Error {
	if fault := checkSyntax(data); fault != nil {
		return fault
	}
	match := protojsonFault.FindStringSubmatch(err.Error())
	if match == nil {
		return malformed(trimProto(err.Error()))
	}
	line, _ := strconv.Atoi(match[1])
	column, _ := strconv.Atoi(match[2])
	field := pathAt(data, lineOffset(data, line, column))
	if field == "" {
		return malformed(match[3])
	}
	return gateway.FieldError(field, "%s", match[3])
}
