package wire

import (
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// StreamEnd is the last message of a stream, on transports that have no status after the messages.
type StreamEnd struct {
	// Code and Reason are those of an error, for example "unavailable" and "SHUTTING_DOWN".
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"`
	// Message is for a person.
	Message string `json:"message"`
	// Reconnect reports whether the same request has a chance of being answered again.
	Reconnect bool `json:"reconnect"`
}

// NewStreamEnd shows why a stream ends.
func NewStreamEnd(cause *connect.Error) StreamEnd {
	return StreamEnd{
		Code: cause.Code().String(), Reason: ReasonOf(cause), Message: cause.Message(), Reconnect: worthRepeating(cause.Code()),
	}
}

// ReasonOf is the reason that an error shows, for example "OVERLOADED"; empty for none.
func ReasonOf(shown *connect.Error) string {
	for _, detail := range shown.Details() {
		value, err := detail.Value()
		if info, ok := value.(*errdetails.ErrorInfo); err == nil && ok {
			return info.GetReason()
		}
	}
	return ""
}

// worthRepeating reports whether a request that failed with this code may succeed as it is later. One that is refused for
// what it asks, or for who asks, will be refused again.
func worthRepeating(code connect.Code) bool {
	switch code {
	case connect.CodeInvalidArgument, connect.CodeUnauthenticated, connect.CodePermissionDenied, connect.CodeNotFound,
		connect.CodeFailedPrecondition, connect.CodeUnimplemented:
		return false
	default:
		return true
	}
}
