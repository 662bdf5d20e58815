package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

func logger(testing.TB) *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestErrorCodesAndDetails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err    error
		code   connect.Code
		reason string
	}{
		{gateway.FieldError("event.type", "is bad"), connect.CodeInvalidArgument, "INVALID_FIELD"},
		{gateway.NotFound("event", "x"), connect.CodeNotFound, "NOT_FOUND"},
		{fmt.Errorf("publish: %w", gateway.Errorf(gateway.CodeAborted, gateway.ReasonRevisionMismatch, "changed")), connect.CodeAborted, "REVISION_MISMATCH"},
		{gateway.Errorf(gateway.CodeAlreadyExists, gateway.ReasonEventIDConflict, "other"), connect.CodeAlreadyExists, "EVENT_ID_CONFLICT"},
		{gateway.Errorf(gateway.CodeUnauthenticated, gateway.ReasonUnauthenticated, "no"), connect.CodeUnauthenticated, "UNAUTHENTICATED"},
		{gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope, "no"), connect.CodePermissionDenied, "MISSING_SCOPE"},
		{gateway.Errorf(gateway.CodeFailedPrecondition, gateway.ReasonWrongState, "no"), connect.CodeFailedPrecondition, "WRONG_STATE"},
		{gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "no"), connect.CodeUnavailable, "SHUTTING_DOWN"},
		{gateway.Errorf(gateway.CodeInternal, gateway.ReasonInternal, "secret"), connect.CodeInternal, "INTERNAL"},
		{context.Canceled, connect.CodeUnavailable, "SHUTTING_DOWN"},
		{connect.NewError(connect.CodeInvalidArgument, errors.New("no")), connect.CodeInvalidArgument, "MALFORMED_REQUEST"},
		{connect.NewError(connect.CodeResourceExhausted, errors.New("no")), connect.CodeInvalidArgument, "TOO_LARGE"},
	}
	for _, test := range tests {
		shown := wire.ConnectError(t.Context(), logger(t), test.err)
		info := detail[*errdetails.ErrorInfo](t, shown)
		if shown.Code() != test.code || info.GetReason() != test.reason || info.GetDomain() != "postrider" {
			t.Errorf("%v: %v %v", test.err, shown.Code(), info)
		}
	}
}

func TestEveryReasonHasItsName(t *testing.T) {
	t.Parallel()
	for reason := gateway.ReasonUnspecified; reason <= gateway.ReasonStorageUnavailable; reason++ {
		if name := wire.ReasonName(reason); strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
			t.Errorf("reason %d is %q", reason, name)
		}
	}
	if len(postriderv1.ErrorReason_name) != int(gateway.ReasonStorageUnavailable)+1 {
		t.Errorf("the contract has %d reasons", len(postriderv1.ErrorReason_name))
	}
}

func TestEndedCalls(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer stop()
	if shown := wire.ConnectError(cancelled, logger(t), cancelled.Err()); shown.Code() != connect.CodeCanceled {
		t.Errorf("cancelled: %v", shown)
	}
	if shown := wire.ConnectError(late, logger(t), late.Err()); shown.Code() != connect.CodeDeadlineExceeded {
		t.Errorf("late: %v", shown)
	}
	shown := wire.ConnectError(t.Context(), logger(t), fmt.Errorf("read: %w", context.DeadlineExceeded))
	if shown.Code() != connect.CodeDeadlineExceeded || !isOwn(shown) {
		t.Errorf("limit of the server: %v", shown)
	}
}

// isOwn reports whether clients can tell the error from a proxy's.
func isOwn(shown *connect.Error) bool {
	return slices.ContainsFunc(shown.Details(), func(detail *connect.ErrorDetail) bool {
		value, _ := detail.Value()
		info, ok := value.(*errdetails.ErrorInfo)
		return ok && info.GetDomain() == "postrider"
	})
}

func TestUnexpectedErrorIsLoggedOnceAndHidden(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cause := errors.New("the driver's own words")
	shown := wire.ConnectError(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), fmt.Errorf("append: %w", cause))
	id := detail[*errdetails.ErrorInfo](t, shown).GetMetadata()["id"]
	if shown.Message() != "internal error (id "+id+")" || len(id) != 16 {
		t.Errorf("shown: %q", shown.Message())
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), id) ||
		!strings.Contains(log.String(), "the driver's own words") {
		t.Errorf("logged: %s", log.String())
	}
}

func TestSchemaViolationDetails(t *testing.T) {
	t.Parallel()
	fields := []gateway.Violation{
		{Field: `event.data.items[2].sku`, Rule: "string.pattern", Message: "is bad"},
		{Field: `event.data.labels["a.b"]`, Message: "is long"},
		{Field: `event.data["we.ird"].x`, Message: "odd"},
		{Field: `event.data.[shop.v1.rush].by[-1].on[true]`, Message: "odd"},
		{Field: `event.data.[shop.v1.rushes][1]`, Message: "odd"},
		{Field: `event.data["unfinished`, Message: "odd"},
	}
	shown := wire.ConnectError(t.Context(), logger(t), &gateway.Error{
		Code: gateway.CodeInvalid, Reason: gateway.ReasonSchemaViolation, Message: gateway.Summary(fields), Fields: fields,
	})
	told := detail[*validate.Violations](t, shown).GetViolations()
	if len(told) != len(fields) {
		t.Fatalf("told of %v", told)
	}
	for i, want := range []string{`event.data.items[2].sku`, `event.data.labels["a.b"]`, `event.data["we.ird"].x`, `event.data.[shop.v1.rush].by[-1].on[true]`, `event.data.[shop.v1.rushes][1]`} {
		if got := protovalidate.FieldPathString(told[i].GetField()); got != want {
			t.Errorf("path %s, want %s", got, want)
		}
	}
	if told[0].GetRuleId() != "string.pattern" || !strings.HasSuffix(shown.Message(), "; and 3 more") {
		t.Errorf("%v, %q", told[0], shown.Message())
	}
}

func TestRetryInfo(t *testing.T) {
	t.Parallel()
	overloaded := gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonOverloaded, "full")
	overloaded.RetryAfter = time.Second
	shown := wire.ConnectError(t.Context(), logger(t), overloaded)
	if wait := detail[*errdetails.RetryInfo](t, shown).GetRetryDelay().AsDuration(); wait != time.Second {
		t.Errorf("retry after %v", wait)
	}
}

func TestRefusalsReachTheClientWithDetails(t *testing.T) {
	t.Parallel()
	server := serve(t, func(*postriderv1.PublishRequest) error {
		t.Error("a refused request reached the handler")
		return nil
	})
	for name, body := range map[string]string{
		"unknown field": `{"event":{"type":"a","colour":1}}`,
		"rule":          `{"event":{"type":"a b"}}`,
		"no event":      `{}`,
		"too large":     `{"tenant":"` + strings.Repeat("x", maxRequest) + `"}`,
	} {
		answer, err := http.Post(server.URL+"/postrider.v1.EventService/Publish", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest || !bytes.Contains(text, []byte("google.rpc.BadRequest")) ||
			!bytes.Contains(text, []byte("google.rpc.ErrorInfo")) {
			t.Errorf("%s: %d %s", name, answer.StatusCode, text)
		}
	}
}

func TestBrokenRulesNameTheirFields(t *testing.T) {
	t.Parallel()
	server := serve(t, func(*postriderv1.PublishRequest) error { return nil })
	for _, option := range []connect.ClientOption{connect.WithGRPC(), connect.WithGRPCWeb(), connect.WithProtoJSON()} {
		client := postriderv1connect.NewEventServiceClient(server.Client(), server.URL, option)
		request := &postriderv1.PublishRequest{Event: &postriderv1.Event{Id: "no spaces", Type: "a..b"}}
		_, err := client.Publish(t.Context(), connect.NewRequest(request))
		var shown *connect.Error
		if !errors.As(err, &shown) || shown.Code() != connect.CodeInvalidArgument {
			t.Fatalf("answered %v", err)
		}
		fields := detail[*errdetails.BadRequest](t, shown).GetFieldViolations()
		if len(fields) != 2 || fields[0].GetField() != "event.id" || fields[1].GetField() != "event.type" ||
			fields[0].GetReason() != "string.pattern" || !strings.HasPrefix(shown.Message(), "event.id: ") {
			t.Errorf("%v: %v", shown, fields)
		}
	}
}

func detail[D proto.Message](t *testing.T, shown *connect.Error) (none D) {
	t.Helper()
	for _, packed := range shown.Details() {
		value, err := packed.Value()
		if err != nil {
			t.Fatal(err)
		}
		if found, ok := value.(D); ok {
			return found
		}
	}
	t.Fatalf("%v has no %T", shown, none)
	return none
}
