package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Code is the kind of an error. Transports translate it once, at the boundary.
type Code uint8

// The codes.
const (
	CodeInternal Code = iota
	CodeInvalid
	CodeUnauthenticated
	CodePermissionDenied
	CodeNotFound
	CodeAlreadyExists
	CodeAborted
	CodeFailedPrecondition
	CodeResourceExhausted
	CodeUnavailable
)

// Reason is the machine-readable cause of an error. The values are those of postrider.v1.ErrorReason.
type Reason int32

// The reasons.
const (
	ReasonUnspecified Reason = iota
	ReasonInvalidField
	ReasonMalformedRequest
	ReasonSchemaViolation
	ReasonTooLarge
	ReasonUnauthenticated
	ReasonMissingScope
	ReasonNotFound
	ReasonEventIDConflict
	ReasonNameTaken
	ReasonRevisionMismatch
	ReasonInvalidPageToken
	ReasonInvalidCursor
	ReasonTargetRefused
	ReasonOverloaded
	ReasonShuttingDown
	ReasonStorageFull
	ReasonWrongState
	ReasonInternal
	ReasonIncompatibleSchema
	ReasonInvalidSchema
	ReasonInvalidFilter
	ReasonUntypedEvent
	ReasonInUse
	ReasonSlowConsumer
	ReasonDisconnected
	ReasonTooManyStreams
	ReasonTooSlow
	ReasonRateLimited
	ReasonStorageUnavailable
)

// Violation is one broken rule of one field.
type Violation struct {
	// Field is the path of the field, for example "event.data.total".
	Field string
	// Rule is the id of the rule, for example "int64.gt".
	Rule    string
	Message string
}

// Error is an error with a code. Users see it as it is, without Cause.
type Error struct {
	Code    Code
	Reason  Reason
	Message string
	Fields  []Violation
	// RetryAfter is when to try again, if a retry helps.
	RetryAfter time.Duration
	// Cause is logged, never shown.
	Cause error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// Errorf returns an error with a code and a reason.
func Errorf(code Code, reason Reason, format string, args ...any) *Error {
	return &Error{Code: code, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// FieldError returns an invalid-argument error that names one field.
func FieldError(field, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	return &Error{
		Code: CodeInvalid, Reason: ReasonInvalidField,
		Message: field + ": " + message,
		Fields:  []Violation{{Field: field, Message: message}},
	}
}

// NotFound returns the error for something that does not exist, or that the caller must not know about.
func NotFound(noun, name string) *Error {
	return Errorf(CodeNotFound, ReasonNotFound, "%s %q does not exist", noun, name)
}

// Gone returns the error for something that existed when the call began. It does not show the number in the database.
func Gone(noun string) *Error {
	return Errorf(CodeNotFound, ReasonNotFound, "the %s does not exist any more", noun)
}

// NoSocket returns the error for something that could not be sent because this process has no free socket, which is
// transient.
func NoSocket(message string) *Error {
	e := Errorf(CodeUnavailable, ReasonOverloaded, "%s; try again", message)
	e.RetryAfter = time.Second
	return e
}

// AtIndex adds an index to the message and the fields, for an error of one event of a batch.
func (e *Error) AtIndex(index int) *Error {
	indexed := *e
	prefix := fmt.Sprintf("events[%d]", index)
	at := func(field string) string {
		if rest, ok := strings.CutPrefix(field, "event"); ok {
			return prefix + rest
		}
		return prefix + "." + field
	}
	indexed.Fields = make([]Violation, len(e.Fields))
	for i, v := range e.Fields {
		indexed.Fields[i] = Violation{Field: at(v.Field), Rule: v.Rule, Message: v.Message}
	}
	if len(e.Fields) > 0 {
		indexed.Message = Summary(indexed.Fields)
	} else {
		indexed.Message = prefix + ": " + e.Message
	}
	return &indexed
}

// Together returns one error for several checks of a request, with the fields of all and the code and reason of the first. An error
// that names no field, such as one of the database, is returned alone.
func Together(checks ...error) error {
	var all *Error
	for _, err := range checks {
		var fault *Error
		switch {
		case err == nil:
		case !errors.As(err, &fault) || len(fault.Fields) == 0:
			return err
		case all == nil:
			first := *fault
			all = &first
		default:
			all.Fields = append(slices.Clip(all.Fields), fault.Fields...)
			all.Message = Summary(all.Fields)
		}
	}
	if all == nil {
		return nil
	}
	return all
}

// ErrorCode returns the code of an error, CodeInternal when it has none.
func ErrorCode(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// summaryFields is the number of violations that a message names; the details name all.
const summaryFields = 3

// Summary returns one line that names the fields and their faults.
func Summary(fields []Violation) string {
	var text strings.Builder
	for i, v := range fields[:min(len(fields), summaryFields)] {
		if i > 0 {
			text.WriteString("; ")
		}
		text.WriteString(v.Field + ": " + v.Message)
	}
	if more := len(fields) - summaryFields; more > 0 {
		fmt.Fprintf(&text, "; and %d more", more)
	}
	return text.String()
}
