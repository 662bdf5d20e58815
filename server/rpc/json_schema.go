package rpc

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

// jsonSchemaLife is how long clients may cache a version's JSON Schema, which never changes.
const jsonSchemaLife = 365 * 24 * time.Hour

// jsonSchemas serves the JSON Schema of each version to any key and any session.
type jsonSchemas struct {
	access  *access.Control
	store   *store.Store
	schemas *schema.Registry
	logger  *slog.Logger
}

func (s jsonSchemas) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := s.answer(r)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		w.Header().Set("Cache-Control", "no-store")
		wire.WriteError(w, r, s.logger, err)
		return
	}
	// Private: who may read it was checked, and a cache in between does not.
	w.Header().Set("Cache-Control", "private, max-age="+strconv.Itoa(int(jsonSchemaLife.Seconds()))+", immutable")
	w.Header().Set("Vary", "Authorization, Cookie")
	w.Header().Set("Content-Type", "application/schema+json")
	_, _ = w.Write(text)
}

func (s jsonSchemas) answer(r *http.Request) ([]byte, error) {
	if _, err := s.access.AdmitRequest(r, access.EventTypesRead); err != nil {
		return nil, err
	}
	name, number, ok := wire.ParseSchemaPath(r.URL.Path)
	if !ok {
		return nil, gateway.NotFound("schema", r.URL.Path)
	}
	kind, err := s.store.EventType(name)
	if err != nil {
		return nil, err
	}
	if number > len(kind.Versions) {
		return nil, gateway.NotFound("schema", r.URL.Path)
	}
	publish.LoadSchemas(s.store, s.schemas)
	version, err := s.schemas.Version(kind.Versions[number-1].ID)
	if err != nil {
		return nil, err
	}
	text, err := version.JSONSchema()
	if err != nil {
		return nil, err
	}
	return text, limit.CallOf(r.Context()).Charge(len(text))
}
