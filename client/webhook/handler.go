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
	"github.com/postrider-dev/postrider/server/signature"
)

// DefaultMaxBodyBytes bounds a request's body when Handler.MaxBodyBytes is 0. An event's data is at most 1 MiB as
// Protobuf, and as JSON rarely more than a few times that.
const DefaultMaxBodyBytes = 16 << 20

// Event is what a webhook says about an event.
type Event struct {
	// ID is the same on every attempt: the key to recognise a repeat by.
	ID   string    `json:"id"`
	Type string    `json:"type"`
	Time time.Time `json:"timestamp"`
	// Data is the text of a JSON object.
	Data json.RawMessage `json:"data"`
	// Cursor is its place in the log.
	Cursor string `json:"-"`
}

// Handler answers 204 when the function for an event's type returned nil, and when there is none. An error is answered
// by 500, or as StatusError says; the server then tries again. Functions and fields are set before the first request;
// requests run concurrently.
type Handler struct {
	// Fallback is given events of types without a function; without it, they are acknowledged and dropped.
	Fallback func(ctx context.Context, event Event) error
	// Logger logs requests that were refused and errors of functions; nothing is logged when it is nil.
	Logger *slog.Logger
	// MaxBodyBytes bounds a request's body; DefaultMaxBodyBytes when 0.
	MaxBodyBytes int64

	secrets   []signature.Secret
	functions map[string]func(context.Context, Event) error
}

// NewHandler makes a handler that accepts what was signed with one of the secrets, each "whsec_" and base64: the new one
// and the one before, while they are being changed over.
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

// On gives the events of M's type to handle. There is one function for a type; a second one panics.
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

// decode passes over fields it does not know: the event may be of a newer version of the schema.
func decode(event Event, message proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(event.Data, message); err != nil {
		text := "data is not a " + string(message.ProtoReflect().Descriptor().FullName())
		return &StatusError{Status: http.StatusUnprocessableEntity, Text: text, Cause: err}
	}
	return nil
}

// ServeHTTP verifies, decodes and hands over one event.
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

// receive reads a request and believes it only once it is verified.
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

// handle calls the function of an event's type. A panic is an error like any other, so that the server learns of it and tries
// again; http.ErrAbortHandler cuts the connection, as it asks for.
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

// refuse writes an error, never success. What a function's own error says stays here.
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
