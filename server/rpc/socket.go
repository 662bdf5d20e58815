package rpc

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/live"
	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/wire"
)

// socketPath is the address of WebSockets. Like streamPath it is never logged with its query.
const socketPath = "/v1/events/socket"

// keyProtocol is the prefix of a subprotocol with which a browser sends a key, since it cannot set a header. The server never
// selects it.
const keyProtocol = "postrider.bearer."

// ServeSocket upgrades a request to a WebSocket and serves the client until ctx or either side ends the connection, which may be after
// ServeSocket has returned. It always calls the client's Done.
type ServeSocket func(ctx context.Context, w http.ResponseWriter, r *http.Request, client *SocketClient)

// eventSockets authenticates the clients of WebSockets.
type eventSockets struct {
	access    *access.Control
	live      *live.Registry
	publisher *publish.Publisher
	serve     ServeSocket
	// origins are those whose pages may connect, besides the server's own.
	origins []string
	logger  *slog.Logger
}

func (s eventSockets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The connection outlives the request.
	ctx := context.WithoutCancel(r.Context())
	client := &SocketClient{sockets: s, from: live.NewOrigin(r.RemoteAddr, r.Header), began: time.Now(), call: limit.CallOf(r.Context())}
	err := s.checkOrigin(r)
	if err == nil {
		err = client.identify(ctx, r)
	}
	if err == nil {
		err = client.charge(client.caller)
	}
	if err == nil {
		ctx, client.connection, err = s.live.Open(access.With(ctx, client.caller), client.from)
	}
	if err != nil {
		shown := wire.ConnectError(ctx, s.logger, err)
		wire.WriteError(w, r, s.logger, shown)
		client.Done(shown)
		return
	}
	s.serve(ctx, w, r, client)
}

// checkOrigin refuses pages of other sites: browsers let any page open a WebSocket to any host. Non-browser clients send no Origin.
func (s eventSockets) checkOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" || access.SameHost(origin, r.Host) || slices.Contains(s.origins, "*") ||
		slices.ContainsFunc(s.origins, func(one string) bool { return strings.EqualFold(one, origin) }) {
		return nil
	}
	return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonUnauthenticated,
		"pages of this origin may not connect; the operator can allow it with --cors-origins")
}

// identify authenticates the client by the request, if it has credentials. Only a wrong header is refused here: a browser does not
// show a page why a connection was refused, so credentials that browsers send are judged after the upgrade.
func (c *SocketClient) identify(ctx context.Context, r *http.Request) error {
	query, err := readSocketQuery(r)
	if err != nil {
		return err
	}
	if r.Header.Get("Authorization") != "" {
		c.caller, err = c.sockets.access.Authenticate(ctx, r.Header)
		return err
	}
	if key := keyOffered(r); key != "" {
		c.caller, c.refused = c.sockets.access.ByKey(ctx, key)
	} else if query.Has(wire.TicketParameter) {
		c.caller, c.refused = c.sockets.access.ByTicket(ctx, query.Get(wire.TicketParameter))
	} else if token := access.SessionToken(r.Header); token != "" && access.SameHost(r.Header.Get("Origin"), r.Host) {
		c.caller, c.refused = c.sockets.access.BySession(ctx, token)
	}
	if c.refused != nil {
		c.caller = access.Caller{}
	}
	return nil
}

// charge charges the messages of the connection to a caller. Messages of an unknown caller have to be small.
func (c *SocketClient) charge(who access.Caller) error {
	if !who.Known() {
		c.call.Confine(limit.SmallBody)
		return nil
	}
	return c.sockets.access.Charge(limit.With(context.Background(), c.call), who)
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

// keyOffered is the key among the subprotocols; empty for none.
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

func (c *SocketClient) write(shown *connect.Error) {
	who := c.credentials()
	spec := connect.Spec{Procedure: socketPath, StreamType: connect.StreamTypeBidi}
	peer := connect.Peer{Addr: c.from.Address, Protocol: "websocket"}
	requestLog{c.sockets.access.Log()}.write(access.With(context.Background(), who), spec, peer, c.began, shown)
}
