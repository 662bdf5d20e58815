package rpc

import (
	"context"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/wire"
)

// sessionService signs the web UI in.
type sessionService struct {
	tenants
	version string
}

func (s *sessionService) CreateSession(
	ctx context.Context, request *connect.Request[postriderv1.CreateSessionRequest],
) (*connect.Response[postriderv1.CreateSessionResponse], error) {
	c, token, err := s.access.SignIn(ctx, request.Msg.GetKey())
	if err != nil {
		return nil, err
	}
	shown, err := s.show(ctx, c)
	if err != nil {
		return nil, err
	}
	response := connect.NewResponse(&postriderv1.CreateSessionResponse{Session: shown})
	cookie := access.SessionCookie(token, c.SessionEnd, overTLS(request.Header()))
	response.Header().Set("Set-Cookie", cookie.String())
	return response, nil
}

func (s *sessionService) GetSession(
	ctx context.Context, _ *connect.Request[postriderv1.GetSessionRequest],
) (*connect.Response[postriderv1.GetSessionResponse], error) {
	shown, err := s.show(ctx, access.Of(ctx))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.GetSessionResponse{Session: shown}), nil
}

// DeleteSession ends the session for every client with its cookie, and the streams and tickets that were made in it.
func (s *sessionService) DeleteSession(
	ctx context.Context, request *connect.Request[postriderv1.DeleteSessionRequest],
) (*connect.Response[postriderv1.DeleteSessionResponse], error) {
	if err := s.access.SignOut(ctx, access.SessionToken(request.Header())); err != nil {
		return nil, err
	}
	response := connect.NewResponse(&postriderv1.DeleteSessionResponse{})
	response.Header().Set("Set-Cookie", access.SessionCookie("", time.Time{}, overTLS(request.Header())).String())
	return response, nil
}

func (s *sessionService) show(ctx context.Context, c access.Caller) (*postriderv1.Session, error) {
	tenant, err := s.nameOf(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	return wire.Session(c.Principal, tenant, s.version), nil
}

// overTLS reports whether the browser uses https: TLS is terminated by a proxy, not by this server.
func overTLS(header http.Header) bool {
	return header.Get("X-Forwarded-Proto") == "https" || strings.HasPrefix(header.Get("Origin"), "https://")
}
