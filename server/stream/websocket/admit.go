package websocket

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/wire"
)

// Path is the path of WebSockets. The query is never logged, because it may hold a ticket.
const Path = "/v1/events/socket"

// keyProtocol is the prefix of a subprotocol in which a browser sends a key, because it cannot set a header. The server
// never selects it.
const keyProtocol = "postrider.bearer."

// ServeHTTP upgrades a request to a WebSocket and returns, so that the memory of the request is released. The connection
// goes on until either side ends it, its credentials expire, or the server stops.
func (t *Transport) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := context.WithoutCancel(r.Context())
	c := &client{transport: t, from: live.NewOrigin(r.RemoteAddr, r.Header), began: time.Now(), call: limit.CallOf(r.Context())}
	err := t.checkOrigin(r)
	if err == nil {
		err = c.identify(ctx, r)
	}
	if err == nil {
		err = c.charge(c.caller)
	}
	if err == nil {
		ctx, c.connection, err = t.config.Live.Open(access.With(ctx, c.caller), c.from)
	}
	if err != nil {
		c.refuse(ctx, w, r, err)
		return
	}
	t.upgrade(ctx, w, r, c)
}

// checkOrigin refuses pages of other sites, because browsers let any page open a WebSocket to any host. Non-browser clients
// send no Origin.
func (t *Transport) checkOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" || access.SameHost(origin, r.Host) || slices.Contains(t.config.Origins, "*") ||
		slices.ContainsFunc(t.config.Origins, func(one string) bool { return strings.EqualFold(one, origin) }) {
		return nil
	}
	return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonUnauthenticated,
		"pages of this origin may not connect; the operator can allow it with --cors-origins")
}

// identify authenticates the client with the credentials of the request, if it has any. It refuses only a wrong header.
// Browsers do not show a page why a connection was refused, so credentials that browsers send are checked after the upgrade.
func (c *client) identify(ctx context.Context, r *http.Request) error {
	query, err := readSocketQuery(r)
	if err != nil {
		return err
	}
	if r.Header.Get("Authorization") != "" {
		c.caller, err = c.transport.config.Access.Authenticate(ctx, r.Header)
		return err
	}
	if key := keyOffered(r); key != "" {
		c.caller, c.refused = c.transport.config.Access.ByKey(ctx, key)
	} else if query.Has(wire.TicketParameter) {
		c.caller, c.refused = c.transport.config.Access.ByTicket(ctx, query.Get(wire.TicketParameter))
	} else if token := access.SessionToken(r.Header); token != "" && access.SameHost(r.Header.Get("Origin"), r.Host) {
		c.caller, c.refused = c.transport.config.Access.BySession(ctx, token)
	}
	if c.refused != nil {
		c.caller = access.Caller{}
	}
	return nil
}

// charge charges the messages of the connection to a caller. The messages of an unauthenticated client have to be small.
func (c *client) charge(who access.Caller) error {
	if !who.Known() {
		c.call.Confine(limit.SmallBody)
		return nil
	}
	return c.transport.config.Access.Charge(limit.With(context.Background(), c.call), who)
}

func readSocketQuery(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, gateway.FieldError("request", "the query of the address is malformed")
	}
	for name := range query {
		if name != wire.TicketParameter && name != wire.CompressionParameter {
			return nil, gateway.FieldError(name, "is not a parameter; the parameters are ticket and compression. A key has no place in "+
				"an address: send it as Authorization: Bearer KEY, as the subprotocol %sKEY, or in the first message", keyProtocol)
		}
	}
	if asked := query.Get(wire.CompressionParameter); asked != "" && asked != wire.CompressionDeflate {
		return nil, gateway.FieldError(wire.CompressionParameter, "must be %s", wire.CompressionDeflate)
	}
	return query, nil
}

// keyOffered returns the key among the subprotocols; empty for none.
func keyOffered(r *http.Request) string {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for one := range strings.SplitSeq(line, ",") {
			if key, ok := strings.CutPrefix(strings.TrimSpace(one), keyProtocol); ok {
				return key
			}
		}
	}
	return ""
}
