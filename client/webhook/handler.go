// Package webhook receives the webhooks of a Postrider server. It provides an http.Handler that verifies each request over its raw
// body and passes the event, as its generated message, to the function for its type.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/postrider-dev/postrider/client"
	"github.com/postrider-dev/postrider/client/signature"
)

// DefaultMaxBodyBytes limits a request's body if Handler.MaxBodyBytes is 0. An event's data is at most 1 MiB as Protobuf, and
// rarely more than a few times that as JSON.
const DefaultMaxBodyBytes = 16 << 20

// Event is the event of a webhook.
type Event struct {
	// ID is the same on every attempt. Use it to recognise a repeated delivery.
	ID   string    `json:"id"`
	Type string    `json:"type"`
	Time time.Time `json:"timestamp"`
	// Data is the text of a JSON object.
	Data json.RawMessage `json:"data"`
	// Cursor is the event's position in the log.
	Cursor string `json:"-"`
}

// Handler responds with 204 if the function for an event's type returned nil, or if there is none. On an error it responds
// with 500, or according to StatusError; the server then retries. Set functions and fields before the first request. Requests
// run concurrently.
type Handler struct {
	// Fallback is called for events of types without a function. Without it, such events are acknowledged and dropped.
	Fallback func(ctx context.Context, event Event) error
	// Logger logs refused requests and errors of functions; nil logs nothing.
	Logger *slog.Logger
	// MaxBodyBytes limits a request's body; 0 means DefaultMaxBodyBytes.
	MaxBodyBytes int64

	secrets   []signature.Secret
	functions map[string]func(context.Context, Event) error
}

// NewHandler returns a handler that accepts requests signed with one of the secrets, each "whsec_" and base64. Give the new
// and the old secret while you rotate them.
func NewHandler(secrets ...string) (*Handler, error) {
	if len(secrets) == 0 {
		return nil, errors.New("a webhook handler needs a signing secret")
	}
	h := &Handler{functions: map[string]func(context.Context, Event) error{}}
	for i, text := range secrets {
		secret, err := signature.ParseSecret(text)
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		h.secrets = append(h.secrets, secret)
	}
	return h, nil
}

// On registers handle for events of M's type. A second function for a type panics.
func On[M proto.Message](h *Handler, handle func(ctx context.Context, message M, event Event) error) {
	var zero M
	name := client.EventType(zero)
	if _, taken := h.functions[name]; taken {
		panic("webhook: two functions for " + name)
	}
	h.functions[name] = func(ctx context.Context, event Event) error {
		message := zero.ProtoReflect().New().Interface()
		if err := decode(event, message); err != nil {
			return err
		}
		return handle(ctx, message.(M), event)
	}
}

// decode ignores unknown fields: the event may be of a newer version of the schema.
func decode(event Event, message proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(event.Data, message); err != nil {
		text := "data is not a " + string(message.ProtoReflect().Descriptor().FullName())
		return &StatusError{Status: http.StatusUnprocessableEntity, Text: text, Cause: err}
	}
	return nil
}

// ServeHTTP verifies and decodes one event and passes it to its function.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are POST requests", http.StatusMethodNotAllowed)
		return
	}
	event, err := h.receive(w, r)
	if err == nil {
		err = h.handle(r.Context(), event)
	}
	if err != nil {
		h.refuse(w, r, event, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// receive reads a request, verifies it, and only then parses it.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) (event Event, err error) {
	limit := h.MaxBodyBytes
	if limit == 0 {
		limit = DefaultMaxBodyBytes
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return Event{}, bodyError(err)
	}
	if err := signature.Verify(h.secrets, r.Header, body, time.Now()); err != nil {
		return Event{}, &StatusError{Status: http.StatusUnauthorized, Text: err.Error(), Cause: err}
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return Event{}, &StatusError{Status: http.StatusBadRequest, Text: "the body is not an event", Cause: err}
	}
	event.Cursor = r.Header.Get("Postrider-Cursor")
	return event, nil
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		text := fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit)
		return &StatusError{Status: http.StatusRequestEntityTooLarge, Text: text, Cause: err}
	}
	return &StatusError{Status: http.StatusBadRequest, Text: "the body cannot be read", Cause: err}
}

// handle calls the function of an event's type. A panic counts as an error, so the server retries. http.ErrAbortHandler
// closes the connection.
func (h *Handler) handle(ctx context.Context, event Event) (err error) {
	defer func() {
		if cause := recover(); cause == http.ErrAbortHandler {
			panic(cause)
		} else if cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	if handle, ok := h.functions[event.Type]; ok {
		return handle(ctx, event)
	}
	if h.Fallback != nil {
		return h.Fallback(ctx, event)
	}
	return nil
}

// refuse writes an error status. The text of a function's error is not sent.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, event Event, err error) {
	answer := answerOf(err)
	if h.Logger != nil {
		h.Logger.WarnContext(r.Context(), "webhook refused",
			"status", answer.Status, "event_id", event.ID, "event_type", event.Type, "error", err)
	}
	if answer.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(answer.RetryAfter.Seconds()), 'f', 0, 64))
	}
	http.Error(w, answer.Text, answer.Status)
}
