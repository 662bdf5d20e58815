package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// maxRetryDelay limits the delay that a server may ask for.
const maxRetryDelay = time.Minute

// GapError means that events are missing before the next one. The stream continues after it.
type GapError struct {
	Reason postriderv1.GapReason
	// Message is for a person.
	Message string
	// Cursor is the position at which the stream continues.
	Cursor string
}

func (e *GapError) Error() string { return "events are missing: " + e.Message }

// DroppedError means that events were dropped because the loop was too slow, according to WhenSlow. The stream continues
// after it.
type DroppedError struct {
	// Events is the number of dropped events.
	Events int64
	// Cursor is the position at which the stream continues.
	Cursor string
}

func (e *DroppedError) Error() string { return fmt.Sprintf("%d events were left out", e.Events) }

// PayloadError means that an event does not contain the message that its type promises. It was accepted while its schema was
// not enforced, or contains another message. The stream continues after it.
type PayloadError struct {
	Event *postriderv1.Event
	// Cause is the decoding error; nil if the server had marked the event as invalid.
	Cause error
}

func (e *PayloadError) Error() string {
	text := fmt.Sprintf("event %s does not hold what %s promises", e.Event.GetId(), e.Event.GetType())
	if e.Cause != nil {
		return text + ": " + e.Cause.Error()
	}
	for _, violation := range e.Event.GetViolations() {
		text += "; " + violation.GetField() + ": " + violation.GetMessage()
	}
	return text
}

func (e *PayloadError) Unwrap() error { return e.Cause }

// RefusedError means that the server refused an event of a PublishStream. connect.CodeOf and Reason return the reason.
type RefusedError struct {
	Event *postriderv1.Event
	// Refusal is the server's error, with the fields at fault.
	Refusal *postriderv1.PublishStreamError
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("event %s was refused: %s", e.Event.GetId(), e.Refusal.GetMessage())
}

func (e *RefusedError) Unwrap() error {
	code := connect.CodeUnknown
	_ = code.UnmarshalText([]byte(e.Refusal.GetCode()))
	return connect.NewError(code, errors.New(e.Refusal.GetMessage()))
}

// Reason returns the machine-readable reason of a server's error; unspecified if err is not one.
func Reason(err error) postriderv1.ErrorReason {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.Refusal.GetReason()
	}
	const errorInfo, reasonField = "google.rpc.ErrorInfo", 1
	name := detailField(err, errorInfo, reasonField)
	return postriderv1.ErrorReason(postriderv1.ErrorReason_value["ERROR_REASON_"+string(name)])
}

// errMistake is wrapped by errors that were found before anything was sent, and that no retry can fix.
var errMistake = errors.New("the call cannot be made")

func mistake(format string, args ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("%w: %s", errMistake, fmt.Sprintf(format, args...)))
}

// errForeign means that a response looks like success but is not the server's, for example a page of a proxy.
var errForeign = connect.NewError(connect.CodeUnavailable, errors.New("the answer is not that of a Postrider server"))

// fromServer reports whether an error is from the server: all its refusals have its domain. Responses of proxies, gateways
// and captive portals do not.
func fromServer(err error) bool {
	const errorInfo, domainField = "google.rpc.ErrorInfo", 2
	return string(detailField(err, errorInfo, domainField)) == "postrider"
}

// keyError is an error of the function given to WithToken.
type keyError struct{ cause error }

func (e *keyError) Error() string { return "ask for a key: " + e.cause.Error() }

func (e *keyError) Unwrap() error { return e.cause }

// retryDelay returns the delay that the server asked for; 0 if none.
func retryDelay(err error) time.Duration {
	const retryInfo, delayField = "google.rpc.RetryInfo", 1
	var delay durationpb.Duration
	if proto.Unmarshal(detailField(err, retryInfo, delayField), &delay) != nil {
		return 0
	}
	return min(max(delay.AsDuration(), 0), maxRetryDelay)
}

// detailField returns a length-delimited field of an error detail; nil if there is none. It parses the two details in use by
// hand, so users of this package do not need the module that declares them.
func detailField(err error, message string, field protowire.Number) []byte {
	var coded *connect.Error
	if !errors.As(err, &coded) {
		return nil
	}
	for _, detail := range coded.Details() {
		if strings.TrimPrefix(detail.Type(), "type.googleapis.com/") == message {
			return bytesField(detail.Bytes(), field)
		}
	}
	return nil
}

func bytesField(encoded []byte, field protowire.Number) []byte {
	for len(encoded) > 0 {
		number, kind, n := protowire.ConsumeTag(encoded)
		if n < 0 {
			return nil
		}
		encoded = encoded[n:]
		if number == field && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(encoded)
			return value
		}
		if n = protowire.ConsumeFieldValue(number, kind, encoded); n < 0 {
			return nil
		}
		encoded = encoded[n:]
	}
	return nil
}
