package rpc

import (
	"context"
	"net/http"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/wire"
)

// gate admits or refuses a call. It runs before any of the request's message is read.
func (a *API) gate(ctx context.Context, spec connect.Spec, peer connect.Peer, header http.Header) (context.Context, error) {
	c, err := a.config.Access.Admit(ctx, spec.Procedure, peer.Addr, header)
	if err == nil {
		err = chargeQuery(ctx, peer.Query)
	}
	if err == nil {
		err = checkQuery(peer.Query)
	}
	if err != nil {
		a.config.Access.Log().Refused(ctx, spec.Procedure, peer.Addr, c, err)
		return nil, wire.ConnectError(ctx, a.config.Logger, err)
	}
	return access.With(ctx, c), nil
}
