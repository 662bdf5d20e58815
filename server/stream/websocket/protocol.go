package websocket

import (
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// offeredProtocols returns the subprotocols that a client offers.
func offeredProtocols(r *http.Request) []string {
	var offered []string
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one != "" {
				offered = append(offered, one)
			}
		}
	}
	return offered
}

// closeCode returns the close code for the reason why a connection ends.
func closeCode(cause *connect.Error) CloseCode {
	switch wire.ReasonOf(cause) {
	case wire.ReasonName(gateway.ReasonTooLarge):
		return CloseTooLarge
	case wire.ReasonName(gateway.ReasonOverloaded), wire.ReasonName(gateway.ReasonTooSlow):
		return CloseLater
	}
	switch cause.Code() {
	case connect.CodeUnauthenticated:
		return CloseUnauthenticated
	case connect.CodePermissionDenied:
		return CloseForbidden
	case connect.CodeUnavailable:
		return CloseRestart
	case connect.CodeResourceExhausted:
		return CloseLater
	case connect.CodeCanceled:
		return CloseNormal
	case connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
		return CloseInternal
	default:
		return CloseRefused
	}
}
