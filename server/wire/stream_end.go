package wire

import (
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/postrider-dev/postrider/server/gateway"
)

// StreamEnd is the last message of a stream, on transports that have no status after the messages.
type StreamEnd struct {
	// Code and Reason are those of an error, for example "unavailable" and "SHUTTING_DOWN".
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"`
	// Message is for a person.
	Message string `json:"message"`
	// Reconnect reports whether the same request can succeed again.
	Reconnect bool `json:"reconnect"`
}

// NewStreamEnd returns the last message of a stream that ends with an error.
func NewStreamEnd(cause *connect.Error) StreamEnd {
	return StreamEnd{
		Code: cause.Code().String(), Reason: ReasonOf(cause), Message: cause.Message(), Reconnect: worthRepeating(cause.Code()),
	}
}

// ReasonOf returns the reason of an error, for example "OVERLOADED"; empty for none.
func ReasonOf(shown *connect.Error) string {
	for _, detail := range shown.Details() {
		value, err := detail.Value()
		if info, ok := value.(*errdetails.ErrorInfo); err == nil && ok && info.GetReason() != ReasonName(gateway.ReasonUnspecified) {
			return info.GetReason()
		}
	}
	return ""
}

// worthRepeating reports whether a request that failed with this code may succeed later. A request that is refused for its
// content or its caller will be refused again.
func worthRepeating(code connect.Code) bool {
	switch code {
	case connect.CodeInvalidArgument, connect.CodeUnauthenticated, connect.CodePermissionDenied, connect.CodeNotFound,
		connect.CodeFailedPrecondition, connect.CodeUnimplemented:
		return false
	default:
		return true
	}
}
