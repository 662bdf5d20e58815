package rpc

import (
	"net/http"
	"strings"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// typed adds an explanation to the bare status with which Connect refuses an unknown Content-Type.
func (a *API) typed(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service.ServeHTTP(&typedWriter{ResponseWriter: w, api: a, request: r}, r)
	})
}

// typedWriter is the writer of a response to a request whose type may be wrong.
type typedWriter struct {
	http.ResponseWriter
	api     *API
	request *http.Request
	// explaining is set while the explanation is written.
	explaining bool
}

// WriteHeader implements http.ResponseWriter.
func (t *typedWriter) WriteHeader(status int) {
	if t.explaining || status != http.StatusUnsupportedMediaType || t.isGRPC() {
		t.ResponseWriter.WriteHeader(status)
		return
	}
	t.explaining = true
	wire.WriteError(statusWriter{t.ResponseWriter, status}, t.request, t.api.config.Logger, t.wrongType())
}

// isGRPC reports whether the request is one of gRPC itself, in a codec that is not spoken: an explanation would have to stand in
// trailers, and gRPC's specification asks for the status alone.
func (t *typedWriter) isGRPC() bool {
	mediaType := t.request.Header.Get("Content-Type")
	return mediaType == "application/grpc" || strings.HasPrefix(mediaType, "application/grpc+")
}

// wrongType lists the types that are supported.
func (t *typedWriter) wrongType() error {
	if t.request.Method == http.MethodGet {
		return gateway.FieldError("encoding", "must be json or proto, and a request by GET has no body")
	}
	return gateway.FieldError("Content-Type", "%q is not supported; use one of %s. gRPC-Web is binary only",
		t.request.Header.Get("Content-Type"), t.Header().Get("Accept-Post"))
}

// Flush implements http.Flusher.
func (t *typedWriter) Flush() { _ = http.NewResponseController(t.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the connection.
func (t *typedWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// statusWriter writes one status whatever it is asked for.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (s statusWriter) WriteHeader(int) { s.ResponseWriter.WriteHeader(s.status) }
