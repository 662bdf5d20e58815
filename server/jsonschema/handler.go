// Package jsonschema serves the JSON Schema of each version of an event type over plain HTTP.
package jsonschema

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/schema"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/wire"
)

// lifetime is how long clients may cache a version's JSON Schema, which never changes.
const lifetime = 365 * 24 * time.Hour

// Handler serves JSON Schemas to callers that may read event types, which is any key and any session.
type Handler struct {
	Access  *access.Control
	Store   *store.Store
	Schemas *schema.Registry
	Logger  *slog.Logger
}

// ServeHTTP implements http.Handler.
func (s *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := s.read(r)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		w.Header().Set("Cache-Control", "no-store")
		wire.WriteError(w, r, s.Logger, err)
		return
	}
	// Private: who may read it was checked, and a cache in between does not.
	w.Header().Set("Cache-Control", "private, max-age="+strconv.Itoa(int(lifetime.Seconds()))+", immutable")
	w.Header().Set("Vary", "Authorization, Cookie")
	w.Header().Set("Content-Type", "application/schema+json")
	_, _ = w.Write(text)
}

func (s *Handler) read(r *http.Request) ([]byte, error) {
	if _, err := s.Access.AdmitRequest(r, access.EventTypesRead); err != nil {
		return nil, err
	}
	name, number, ok := wire.ParseSchemaPath(r.URL.Path)
	if !ok {
		return nil, gateway.NotFound("schema", r.URL.Path)
	}
	kind, err := s.Store.EventType(name)
	if err != nil {
		return nil, err
	}
	if number > len(kind.Versions) {
		return nil, gateway.NotFound("schema", r.URL.Path)
	}
	publish.LoadSchemas(s.Store, s.Schemas)
	version, err := s.Schemas.Version(kind.Versions[number-1].ID)
	if err != nil {
		return nil, err
	}
	text, err := version.JSONSchema()
	if err != nil {
		return nil, err
	}
	return text, limit.CallOf(r.Context()).Charge(len(text))
}
