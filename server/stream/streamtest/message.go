package streamtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/wire"
)

// ParseJSON reads a message of a stream in JSON. The event's payload keeps the text that it has there.
func ParseJSON(text []byte) (*postriderv1.SubscribeResponse, error) {
	var parts, event map[string]json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return nil, err
	}
	if raw, ok := parts["event"]; ok {
		if err := json.Unmarshal(raw, &event); err != nil {
			return nil, err
		}
	}
	data, hasData := event["data"]
	if hasData {
		delete(event, "data")
		parts["event"], _ = json.Marshal(event) // A map of JSON texts can always be encoded.
	}
	rest, _ := json.Marshal(parts)
	message := &postriderv1.SubscribeResponse{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(rest, message); err != nil {
		return nil, err
	}
	if hasData {
		message.GetEvent().Payload = &postriderv1.Event_JsonData{JsonData: string(data)}
	}
	return message, nil
}

// End is why a stream has ended, or was refused.
type End struct {
	Code, Reason, Message string
	// Reconnect reports whether the same request can succeed again.
	Reconnect bool
	// Cursor is where the stream has ended; empty where the transport does not say.
	Cursor string
	// Fields are the fields of the request that are at fault.
	Fields []string `json:"-"`
}

// Error implements error.
func (e *End) Error() string {
	return fmt.Sprintf("%s %s %q, reconnect %t, fields %q", e.Code, e.Reason, e.Message, e.Reconnect, e.Fields)
}

// ConnectEnd returns the end that an error of a Connect client describes, or another error as it is.
func ConnectEnd(err error) error {
	var shown *connect.Error
	if !errors.As(err, &shown) {
		return err
	}
	told := wire.NewStreamEnd(shown)
	end := &End{Code: told.Code, Reason: told.Reason, Message: told.Message, Reconnect: told.Reconnect}
	for _, detail := range shown.Details() {
		value, _ := detail.Value()
		if fault, ok := value.(*errdetails.BadRequest); ok {
			for _, violation := range fault.GetFieldViolations() {
				end.Fields = append(end.Fields, violation.GetField())
			}
		}
	}
	return end
}

// HTTPEnd returns the end that the body of an HTTP error describes.
func HTTPEnd(body io.Reader) error {
	var told struct {
		Code, Message string
		Details       []struct {
			Debug struct {
				Reason          string
				FieldViolations []struct{ Field string }
			}
		}
	}
	if err := json.NewDecoder(body).Decode(&told); err != nil {
		return fmt.Errorf("read an error: %w", err)
	}
	end := &End{Code: told.Code, Message: told.Message}
	for _, detail := range told.Details {
		end.Reason += detail.Debug.Reason
		for _, violation := range detail.Debug.FieldViolations {
			end.Fields = append(end.Fields, violation.Field)
		}
	}
	return end
}
