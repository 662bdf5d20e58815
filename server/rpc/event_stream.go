package rpc

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// streamPath is the address of live streams over plain HTTP. It is never logged with its query, which may hold a ticket.
const streamPath = "/v1/events/stream"

// StreamEvents serves the tenant's live events over plain HTTP, and updates the stream's entry. It returns the error that the client
// got.
type StreamEvents func(
	http.ResponseWriter, *http.Request, *gateway.Tenant, *stream.Entry, *postriderv1.SubscribeRequest,
) *connect.Error

// eventStreams serves live streams over plain HTTP to clients with a key, a session or a ticket.
type eventStreams struct {
	access *access.Control
	live   *live.Registry
	serve  StreamEvents
	logger *slog.Logger
}

func (s eventStreams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // A mux takes HEAD for GET, and there is no end to the head of a stream.
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	began := time.Now()
	a, err := s.admit(r)
	if err != nil {
		shown := wire.ConnectError(a.r.Context(), s.logger, err)
		wire.WriteError(w, a.r, s.logger, shown)
		s.write(a.r, began, shown)
		return
	}
	defer s.live.Close(a.opened)
	s.write(a.r, began, s.serve(w, a.r, a.tenant, a.entry, a.request))
}

// admitted is a stream whose caller is authenticated.
type admitted struct {
	r       *http.Request
	opened  *live.Stream
	tenant  *gateway.Tenant
	entry   *stream.Entry
	request *postriderv1.SubscribeRequest
}

// admit opens the stream that r asks for. The request is answered also with an error.
func (s eventStreams) admit(r *http.Request) (*admitted, error) {
	c, request, err := s.read(r)
	a := &admitted{r: r.WithContext(access.With(r.Context(), c)), request: request}
	if err != nil {
		return a, err
	}
	if a.tenant, err = s.access.Tenant(a.r.Context(), c, request.GetTenant()); err != nil {
		return a, err
	}
	ctx, opened, err := s.live.Open(a.r.Context(), live.NewOrigin(r.RemoteAddr, r.Header))
	if err != nil {
		return a, err
	}
	a.r, a.opened = a.r.WithContext(ctx), opened
	a.entry = s.live.List(opened, a.tenant, transport(r.Header), request)
	return a, nil
}

func transport(header http.Header) postriderv1.LiveStream_Transport {
	if wire.AcceptsLines(header) {
		return postriderv1.LiveStream_TRANSPORT_NDJSON
	}
	return postriderv1.LiveStream_TRANSPORT_SSE
}

// read authenticates the caller and parses the query.
func (s eventStreams) read(r *http.Request) (access.Caller, *postriderv1.SubscribeRequest, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return access.Caller{}, nil, gateway.FieldError("request", "the query of the address is malformed")
	}
	c, err := s.authenticate(r, query)
	if err != nil {
		return c, nil, err
	}
	request, err := wire.ReadStreamQuery(query, r.Header.Get("Last-Event-ID"))
	if err != nil {
		return c, nil, err
	}
	return c, request, c.Narrow(request)
}

// authenticate accepts a ticket from a caller that shows no key.
func (s eventStreams) authenticate(r *http.Request, query url.Values) (access.Caller, error) {
	if !query.Has(wire.TicketParameter) || r.Header.Get("Authorization") != "" {
		return s.access.AdmitRequest(r, access.EventsRead)
	}
	c, err := s.access.ByTicket(r.Context(), query.Get(wire.TicketParameter))
	if err == nil {
		err = s.access.Charge(r.Context(), c)
	}
	return c, err
}

func (s eventStreams) write(r *http.Request, began time.Time, err *connect.Error) {
	spec := connect.Spec{Procedure: streamPath, StreamType: connect.StreamTypeServer}
	requestLog{s.access.Log()}.write(r.Context(), spec, connect.Peer{Addr: r.RemoteAddr, Protocol: "http"}, began, err)
}
