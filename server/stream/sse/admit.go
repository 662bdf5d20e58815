package sse

import (
	"net/http"
	"net/url"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// Path is the path of live streams over plain HTTP. The query is never logged, because it may hold a ticket.
const Path = "/v1/events/stream"

// ServeHTTP serves a live stream to a client with a key, a session or a ticket.
func (t *Transport) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // ServeMux also routes HEAD here, whose response would never end
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	began := time.Now()
	a, err := t.admit(r)
	if err != nil {
		t.log(a.r, began, t.refuse(w, a.r, err))
		return
	}
	defer t.config.Live.Close(a.opened)
	t.log(a.r, began, t.serve(w, a))
}

// admitted is a stream whose caller is authenticated.
type admitted struct {
	r       *http.Request
	opened  *live.Stream
	tenant  *gateway.Tenant
	entry   *stream.Entry
	request *postriderv1.SubscribeRequest
}

// admit opens the stream that r requests. With an error, too, the result is not nil: the response needs it.
func (t *Transport) admit(r *http.Request) (*admitted, error) {
	c, request, err := t.read(r)
	a := &admitted{r: r.WithContext(access.With(r.Context(), c)), request: request}
	if err != nil {
		return a, err
	}
	if a.tenant, err = t.config.Access.Tenant(a.r.Context(), c, request.GetTenant()); err != nil {
		return a, err
	}
	ctx, opened, err := t.config.Live.Open(a.r.Context(), live.NewOrigin(r.RemoteAddr, r.Header))
	if err != nil {
		return a, err
	}
	a.r, a.opened = a.r.WithContext(ctx), opened
	a.entry = t.config.Live.List(opened, a.tenant, transport(r.Header), request)
	return a, nil
}

func transport(header http.Header) postriderv1.LiveStream_Transport {
	if wire.AcceptsLines(header) {
		return postriderv1.LiveStream_TRANSPORT_NDJSON
	}
	return postriderv1.LiveStream_TRANSPORT_SSE
}

// read authenticates the caller and parses the query.
func (t *Transport) read(r *http.Request) (access.Caller, *postriderv1.SubscribeRequest, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return access.Caller{}, nil, gateway.FieldError("request", "the query of the address is malformed")
	}
	c, err := t.authenticate(r, query)
	if err != nil {
		return c, nil, err
	}
	request, err := wire.ReadStreamQuery(query, r.Header.Get("Last-Event-ID"))
	if err != nil {
		return c, nil, err
	}
	return c, request, c.Narrow(request)
}

// authenticate accepts a ticket from a caller without a key.
func (t *Transport) authenticate(r *http.Request, query url.Values) (access.Caller, error) {
	if !query.Has(wire.TicketParameter) || r.Header.Get("Authorization") != "" {
		return t.config.Access.AdmitRequest(r, access.EventsRead)
	}
	c, err := t.config.Access.ByTicket(r.Context(), query.Get(wire.TicketParameter))
	if err == nil {
		err = t.config.Access.Charge(r.Context(), c)
	}
	return c, err
}

func (t *Transport) log(r *http.Request, began time.Time, ended *connect.Error) {
	t.config.Access.Log().Write(r.Context(), access.Line{
		Procedure: Path, Protocol: "http", Peer: r.RemoteAddr, Began: began, Quiet: true,
		Code: ended.Code().String(), Err: ended,
	})
}
