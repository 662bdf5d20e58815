package wire

import (
	"log/slog"
	"net/http"

	"connectrpc.com/connect"
)

// WriteError answers a plain HTTP request with an error, in the form that the Connect protocol gives it.
func WriteError(w http.ResponseWriter, r *http.Request, logger *slog.Logger, err error) {
	_ = connect.NewErrorWriter().Write(w, r, ConnectError(r.Context(), logger, err))
}
