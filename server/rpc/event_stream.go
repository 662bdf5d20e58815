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

// StreamEvents answers a plain HTTP request with the tenant's live events, and keeps the stream's entry. The error is what
// the client was told.
type StreamEvents func(
	http.ResponseWriter, *http.Request, *gateway.Tenant, *stream.Entry, *postriderv1.SubscribeRequest,
) *connect.Error

// eventStreams serves live streams to those who speak no RPC: by key, by session or by ticket.
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
	c, request, err := s.read(r)
	r = r.WithContext(withCaller(r.Context(), c))
	var tenant *gateway.Tenant
	if err == nil {
		tenant, err = s.resolve(r.Context(), request.GetTenant())
	}
	ctx, opened := r.Context(), (*openStream)(nil)
	if err == nil {
		ctx, opened, err = s.streams.open(ctx, newOrigin(r.RemoteAddr, r.Header))
	}
	if err != nil {
		shown := wire.ConnectError(r.Context(), s.log.logger, err)
		wire.WriteError(w, r, s.log.logger, shown)
		s.write(r, began, shown)
		return
	}
	defer s.streams.close(opened)
	entry := s.streams.list(opened, tenant, transport(r.Header), request)
	s.write(r, began, s.serve(w, r.WithContext(ctx), tenant, entry, request))
}

func transport(header http.Header) postriderv1.LiveStream_Transport {
	if wire.AcceptsLines(header) {
		return postriderv1.LiveStream_TRANSPORT_NDJSON
	}
	return postriderv1.LiveStream_TRANSPORT_SSE
}

// read finds out who asks for what.
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
