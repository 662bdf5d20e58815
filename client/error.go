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

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
)

// maxRetryDelay bounds what a server may ask for.
const maxRetryDelay = time.Minute

// GapError means that events are missing before the next one. A stream goes on after it.
type GapError struct {
	Reason postriderv1.GapReason
	// Message is for a person.
	Message string
	// Cursor is the place at which the stream goes on.
	Cursor string
}

func (e *GapError) Error() string { return "events are missing: " + e.Message }

// DroppedError means that events were left out because the loop was too slow for them, as WhenSlow asked for. A stream goes
// on after it.
type DroppedError struct {
	// Events is how many.
	Events int64
	// Cursor is the place at which the stream goes on.
	Cursor string
}

func (e *DroppedError) Error() string { return fmt.Sprintf("%d events were left out", e.Events) }

// PayloadError means that an event does not hold the message its type promises: it was accepted while its schema was not
// enforced, or holds another message. A stream goes on after it.
type PayloadError struct {
	Event *postriderv1.Event
	// Cause is what decoding found; nil where the server had marked the event.
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

// RefusedError means that the server refused an event of a stream of publishes. connect.CodeOf and Reason say why.
type RefusedError struct {
	Event *postriderv1.Event
	// Refusal is what the server says, with the fields at fault.
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

// Reason is the cause of a server's error, for a program; unspecified when err is not one.
func Reason(err error) postriderv1.ErrorReason {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.Refusal.GetReason()
	}
	const errorInfo, reasonField = "google.rpc.ErrorInfo", 1
	name := detailField(err, errorInfo, reasonField)
	return postriderv1.ErrorReason(postriderv1.ErrorReason_value["ERROR_REASON_"+string(name)])
}

// errMistake is in what no repeat can mend, found before anything is sent.
var errMistake = errors.New("the call cannot be made")

func mistake(format string, args ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("%w: %s", errMistake, fmt.Sprintf(format, args...)))
}

// errForeign is an answer that looks like success and is not the server's: a page that a proxy shows in place of it.
var errForeign = connect.NewError(connect.CodeUnavailable, errors.New("the answer is not that of a Postrider server"))

// fromServer reports whether an error is the server's own word: all that it refuses carry its domain. What a proxy, a
// gateway or a captive portal answers in its place does not.
func fromServer(err error) bool {
	const errorInfo, domainField = "google.rpc.ErrorInfo", 2
	return string(detailField(err, errorInfo, domainField)) == "postrider"
}

// keyError is what the function that WithToken was given returned.
type keyError struct{ cause error }

func (e *keyError) Error() string { return "ask for a key: " + e.cause.Error() }

func (e *keyError) Unwrap() error { return e.cause }

// retryDelay is how long the server asked to wait; 0 when it did not.
func retryDelay(err error) time.Duration {
	const retryInfo, delayField = "google.rpc.RetryInfo", 1
	var delay durationpb.Duration
	if proto.Unmarshal(detailField(err, retryInfo, delayField), &delay) != nil {
		return 0
	}
	return min(max(delay.AsDuration(), 0), maxRetryDelay)
}

// detailField returns a length-delimited field of an error's detail; nil when there is none. It reads the two details of
// use here by hand, which spares every user of this package the module that declares them.
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
