package rpc

import (
	"net/http"
	"net/url"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// streamPath is the address of live streams over plain HTTP. It is never logged with its query, which may hold a ticket.
const streamPath = "/v1/events/stream"

// streamRequirement is that of Subscribe.
var streamRequirement = requirement{scope: gateway.ScopeConsume}

// StreamEvents serves the tenant's live events over plain HTTP, and updates the stream's entry. It returns the error that the client
// got.
type StreamEvents func(
	http.ResponseWriter, *http.Request, *gateway.Tenant, *stream.Entry, *postriderv1.SubscribeRequest,
) *connect.Error

// eventStreams serves live streams over plain HTTP to clients with a key, a session or a ticket.
type eventStreams struct {
	tenants
	auth    *authenticator
	streams *openStreams
	serve   StreamEvents
	log     requestLog
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
		shown := wire.ConnectError(a.r.Context(), s.log.logger, err)
		wire.WriteError(w, a.r, s.log.logger, shown)
		s.write(a.r, began, shown)
		return
	}
	defer s.streams.close(a.opened)
	s.write(a.r, began, s.serve(w, a.r, a.tenant, a.entry, a.request))
}

// admitted is a stream whose caller is authenticated.
type admitted struct {
	r       *http.Request
	opened  *openStream
	tenant  *gateway.Tenant
	entry   *stream.Entry
	request *postriderv1.SubscribeRequest
}

// admit opens the stream that r asks for. The request is answered also with an error.
func (s eventStreams) admit(r *http.Request) (*admitted, error) {
	c, request, err := s.read(r)
	a := &admitted{r: r.WithContext(withCaller(r.Context(), c)), request: request}
	if err != nil {
		return a, err
	}
	if a.tenant, err = s.resolve(a.r.Context(), request.GetTenant()); err != nil {
		return a, err
	}
	ctx, opened, err := s.streams.open(a.r.Context(), newOrigin(r.RemoteAddr, r.Header))
	if err != nil {
		return a, err
	}
	a.r, a.opened = a.r.WithContext(ctx), opened
	a.entry = s.streams.list(opened, a.tenant, transport(r.Header), request)
	return a, nil
}

func transport(header http.Header) postriderv1.LiveStream_Transport {
	if wire.AcceptsLines(header) {
		return postriderv1.LiveStream_TRANSPORT_NDJSON
	}
	return postriderv1.LiveStream_TRANSPORT_SSE
}

// read authenticates the caller and parses the query.
func (s eventStreams) read(r *http.Request) (caller, *postriderv1.SubscribeRequest, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return caller{}, nil, gateway.FieldError("request", "the query of the address is malformed")
	}
	header := r.Header.Clone()
	header.Set("Host", r.Host)
	if !query.Has(wire.TicketParameter) || header.Get("Authorization") != "" {
		c, err := s.auth.letIn(r.Context(), streamRequirement, header)
		if err != nil {
			return c, nil, err
		}
		request, err := wire.ReadStreamQuery(query, header.Get("Last-Event-ID"))
		return c, request, err
	}
	c, ticket, err := s.auth.byTicket(r.Context(), query.Get(wire.TicketParameter))
	if err == nil {
		err = s.auth.charge(r.Context(), c)
	}
	if err != nil {
		return c, nil, err
	}
	request, err := wire.ReadStreamQuery(query, header.Get("Last-Event-ID"))
	if err != nil {
		return c, nil, err
	}
	return c, request, narrow(request, ticket)
}

func (s eventStreams) write(r *http.Request, began time.Time, err *connect.Error) {
	spec := connect.Spec{Procedure: streamPath, StreamType: connect.StreamTypeServer}
	s.log.write(r.Context(), spec, connect.Peer{Addr: r.RemoteAddr, Protocol: "http"}, began, err)
}
