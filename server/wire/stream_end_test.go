package wire_test

import (
	"errors"
	"log/slog"
	"testing"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

func TestStreamEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cause        error
		code, reason string
		reconnect    bool
	}{
		{gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "m"), "unavailable", "SHUTTING_DOWN", true},
		{gateway.Errorf(gateway.CodeResourceExhausted, gateway.ReasonOverloaded, "m"), "resource_exhausted", "OVERLOADED", true},
		{errors.New("the disk is on fire"), "internal", "INTERNAL", true},
		{connect.NewError(connect.CodeUnknown, errors.New("m")), "unknown", "", true},
		{gateway.Errorf(gateway.CodeUnauthenticated, gateway.ReasonUnauthenticated, "m"), "unauthenticated", "UNAUTHENTICATED", false},
		{gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonMissingScope, "m"), "permission_denied", "MISSING_SCOPE", false},
		{gateway.NotFound("tenant", "t"), "not_found", "NOT_FOUND", false},
		{gateway.FieldError("start", "m"), "invalid_argument", "INVALID_FIELD", false},
	} {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			end := wire.NewStreamEnd(wire.ConnectError(t.Context(), slog.New(slog.DiscardHandler), tt.cause))
			if end.Code != tt.code || end.Reason != tt.reason || end.Reconnect != tt.reconnect || end.Message == "" {
				t.Errorf("%v ends a stream with %+v", tt.cause, end)
			}
		})
	}
}
