package wire

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	errorDomain  = "postrider"
	reasonPrefix = "ERROR_REASON_"
	// maxFields limits the field violations of one error, so that the error for a batch of invalid events is readable.
	maxFields = 100
)

var codes = map[gateway.Code]connect.Code{
	gateway.CodeInvalid:            connect.CodeInvalidArgument,
	gateway.CodeUnauthenticated:    connect.CodeUnauthenticated,
	gateway.CodePermissionDenied:   connect.CodePermissionDenied,
	gateway.CodeNotFound:           connect.CodeNotFound,
	gateway.CodeAlreadyExists:      connect.CodeAlreadyExists,
	gateway.CodeAborted:            connect.CodeAborted,
	gateway.CodeFailedPrecondition: connect.CodeFailedPrecondition,
	gateway.CodeResourceExhausted:  connect.CodeResourceExhausted,
	gateway.CodeUnavailable:        connect.CodeUnavailable,
}

// ConnectError converts any error to the one that the client sees. An error without a code is logged here, with its cause and
// an id, and becomes "internal error" with that id. ctx is the context of the call.
func ConnectError(ctx context.Context, logger *slog.Logger, err error) *connect.Error {
	var known *gateway.Error
	var broken *protovalidate.ValidationError
	var coded *connect.Error
	switch {
	case errors.As(err, &known) && known.Code != gateway.CodeInternal:
		return connectError(known)
	case errors.As(err, &broken):
		return connectError(ruleError(broken))
	case errors.As(err, &coded):
		return codedError(coded)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return endedError(ctx, err)
	default:
		return internalError(ctx, logger, err)
	}
}

// ReasonName returns the reason as in ErrorInfo, for example "EVENT_ID_CONFLICT".
func ReasonName(reason gateway.Reason) string {
	return strings.TrimPrefix(postriderv1.ErrorReason(reason).String(), reasonPrefix)
}

func connectError(e *gateway.Error) *connect.Error {
	shown := connect.NewError(codes[e.Code], errors.New(e.Message))
	addDetail(shown, &errdetails.ErrorInfo{Reason: ReasonName(e.Reason), Domain: errorDomain})
	if len(e.Fields) > 0 {
		addDetail(shown, fieldsDetail(e))
	}
	if e.RetryAfter > 0 {
		addDetail(shown, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
		// For clients that only know HTTP.
		shown.Meta().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	return shown
}

// addDetail adds a detail. Our messages can always be converted to an Any.
func addDetail(shown *connect.Error, detail proto.Message) {
	if packed, err := connect.NewErrorDetail(detail); err == nil {
		shown.AddDetail(packed)
	}
}

func fieldsDetail(e *gateway.Error) proto.Message {
	fields := e.Fields[:min(len(e.Fields), maxFields)]
	if e.Reason == gateway.ReasonSchemaViolation {
		return violations(fields)
	}
	detail := &errdetails.BadRequest{}
	for _, field := range fields {
		detail.FieldViolations = append(detail.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: printable(field.Field), Description: printable(field.Message), Reason: field.Rule,
		})
	}
	return detail
}

func violations(fields []gateway.Violation) *validate.Violations {
	detail := &validate.Violations{}
	for _, field := range fields {
		detail.Violations = append(detail.Violations, &validate.Violation{
			Field: newFieldPath(printable(field.Field)), RuleId: &field.Rule, Message: proto.String(printable(field.Message)),
		})
	}
	return detail
}

// ruleError returns the error of a request that breaks a rule of the contract.
func ruleError(broken *protovalidate.ValidationError) *gateway.Error {
	e := &gateway.Error{Code: gateway.CodeInvalid, Reason: gateway.ReasonInvalidField}
	for _, violation := range broken.Violations {
		field := protovalidate.FieldPathString(violation.Proto.GetField())
		if field == "" {
			field = requestField
		}
		e.Fields = append(e.Fields, gateway.Violation{
			Field: field, Rule: violation.Proto.GetRuleId(), Message: ruleText(violation),
		})
	}
	e.Message = gateway.Summary(e.Fields)
	return e
}

// codedError completes an error of the RPC library, for example for a message that it could not read.
func codedError(coded *connect.Error) *connect.Error {
	if len(coded.Details()) > 0 {
		return coded
	}
	switch coded.Code() {
	case connect.CodeInvalidArgument:
		return connectError(malformed(coded.Message()))
	case connect.CodeResourceExhausted:
		return connectError(tooLarge(coded.Message()))
	default:
		return coded
	}
}

// endedError returns the error of a call that ended early: by its caller, by its deadline, or because the server is stopping. What the
// caller ended needs no details, and the Connect conformance suite expects none.
func endedError(ctx context.Context, err error) *connect.Error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, errors.New("the deadline has passed"))
	case ctx.Err() != nil:
		return connect.NewError(connect.CodeCanceled, errors.New("the call was cancelled"))
	case errors.Is(err, context.DeadlineExceeded):
		shown := connect.NewError(connect.CodeDeadlineExceeded, errors.New("the work took too long"))
		addDetail(shown, &errdetails.ErrorInfo{Reason: ReasonName(gateway.ReasonUnspecified), Domain: errorDomain})
		return shown
	default:
		return connectError(gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "the server is stopping"))
	}
}

// Unsent returns the error of a message that could not be sent on a stream. Unless it could not be encoded, the client has
// disconnected, which is nobody's fault.
func Unsent(err error) error {
	if err == nil {
		return nil
	}
	var coded *connect.Error
	if errors.As(err, &coded) && coded.Code() != connect.CodeUnknown {
		return err
	}
	return connect.NewError(connect.CodeCanceled, errors.New("the client has gone"))
}

func internalError(ctx context.Context, logger *slog.Logger, err error) *connect.Error {
	var raw [8]byte
	rand.Read(raw[:])
	id := hex.EncodeToString(raw[:])
	logger.ErrorContext(ctx, "internal error", "error_id", id, "error", err)
	shown := connect.NewError(connect.CodeInternal, errors.New("internal error (id "+id+")"))
	addDetail(shown, &errdetails.ErrorInfo{
		Reason: ReasonName(gateway.ReasonInternal), Domain: errorDomain, Metadata: map[string]string{"id": id},
	})
	return shown
}

// malformed returns the error of a request that is not well-formed.
func malformed(cause string) *gateway.Error {
	e := gateway.FieldError(requestField, "%s", cause)
	e.Reason = gateway.ReasonMalformedRequest
	return e
}

// tooLarge returns the error of a request over a limit of bytes.
func tooLarge(cause string) *gateway.Error {
	e := gateway.FieldError(requestField, "%s", cause)
	e.Reason = gateway.ReasonTooLarge
	return e
}

// atIndex adds the index of an event to a *gateway.Error.
func atIndex(err error, index int) error {
	var known *gateway.Error
	if errors.As(err, &known) {
		return known.AtIndex(index)
	}
	return err
}
