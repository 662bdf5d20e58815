package wire

import (
	"log/slog"
	"net/http"

	"connectrpc.com/connect"
)

// WriteError writes an error as the response to a plain HTTP request, in the form of the Connect protocol.
func WriteError(w http.ResponseWriter, r *http.Request, logger *slog.Logger, err error) {
	_ = connect.NewErrorWriter().Write(w, r, ConnectError(r.Context(), logger, err))
}
