// Package sse carries live streams over plain HTTP: as server-sent events, for the EventSource of browsers, or as one JSON
// object a line (NDJSON), for scripts.
package sse

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// Config holds the dependencies of a Transport.
type Config struct {
	Access *access.Control
	Live   *live.Registry
	Hub    *stream.Hub
	// NewRequest parses a subscriber's request; errors name the field.
	NewRequest func(*gateway.Tenant, *postriderv1.SubscribeRequest) (stream.Request, error)
	// View returns how events look with their payload as JSON text, with or without defaults.
	View   func(gateway.PayloadFormat) wire.EventView
	Logger *slog.Logger
}

// Transport is the HTTP handler of live streams.
type Transport struct {
	config Config
	// usual and defaults are the encodings without and with the defaults of fields that are not set.
	usual, defaults look
}

// look holds the encodings of an event for the two forms.
type look struct{ messages, lines *stream.Encoding }

func newLook(hub *stream.Hub, view wire.EventView) look {
	encoding := func(frame func(*postriderv1.Event) ([]byte, error)) *stream.Encoding {
		return hub.NewEncoding(func(event *gateway.Event, tenant string) ([]byte, error) {
			shown, err := view.Event(event, tenant)
			if err != nil {
				return nil, err
			}
			return frame(shown)
		})
	}
	return look{messages: encoding(messageFrame), lines: encoding(lineFrame)}
}

// New returns a transport.
func New(config Config) *Transport {
	return &Transport{
		config:   config,
		usual:    newLook(config.Hub, config.View(gateway.PayloadJSON)),
		defaults: newLook(config.Hub, config.View(gateway.PayloadJSONDefaults)),
	}
}

// serve sends the events of an admitted stream until either side ends it, and keeps its entry up to date. An error before
// the first event is an HTTP error in the form of the API; later the last message says why the stream ended. The error is
// never nil: it is what the client was sent, or would have been sent if it had not left.
func (t *Transport) serve(w http.ResponseWriter, a *admitted) *connect.Error {
	r, asked := a.r, a.request
	request, err := t.config.NewRequest(a.tenant, asked)
	if err != nil {
		return t.refuse(w, r, err)
	}
	request.Entry = a.entry
	out := &writer{to: w, http1: r.ProtoMajor == 1}
	out.form, out.encoding = t.newForm(r, asked.GetPayloadFormat())
	request.Heartbeat = out.form.pace(request.Heartbeat)
	request.Flush = out.flush
	err = t.config.Hub.Subscribe(r.Context(), request, func(message stream.Message) error {
		return send(out, message)
	})
	switch {
	case out.err != nil:
		// The client has left and cannot be sent the reason.
		return connect.NewError(connect.CodeCanceled, out.err)
	case !out.begun:
		return t.refuse(w, r, err)
	}
	shown := t.show(r.Context(), err)
	if !errors.Is(err, context.Canceled) {
		out.end(wire.NewStreamEnd(shown))
	}
	return shown
}

func (t *Transport) refuse(w http.ResponseWriter, r *http.Request, err error) *connect.Error {
	shown := t.show(r.Context(), err)
	wire.WriteError(w, r, t.config.Logger, shown)
	return shown
}

func (t *Transport) show(ctx context.Context, err error) *connect.Error {
	return wire.ConnectError(ctx, t.config.Logger, err)
}

func send(out *writer, message stream.Message) error {
	switch message.Kind {
	case gateway.StreamEvent:
		return out.event(&message)
	case gateway.StreamBegin:
		setHeaders(out.to.Header(), out.form.contentType())
		if out.http1 {
			// The end of the connection ends the response. With chunks, net/http would need three writes instead of one
			// (decision 40).
			out.to.Header().Set("Transfer-Encoding", "identity")
		}
	}
	return out.append(func(dst []byte) ([]byte, error) { return out.form.message(dst, message.StreamMessage) })
}

func setHeaders(header http.Header, contentType string) {
	header.Set("Content-Type", contentType)
	wire.PassOn(header)
	header.Add("Vary", "Accept")
}

// newForm returns lines of JSON for clients that ask for them, and server-sent events for all others.
func (t *Transport) newForm(r *http.Request, format postriderv1.PayloadFormat) (form, *stream.Encoding) {
	look := t.usual
	if format == postriderv1.PayloadFormat_PAYLOAD_FORMAT_JSON_DEFAULTS {
		look = t.defaults
	}
	if wire.AcceptsLines(r.Header) {
		return ndjson{}, look.lines
	}
	return &eventStream{}, look.messages
}
