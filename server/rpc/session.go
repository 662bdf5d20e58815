package rpc

import (
	"context"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/wire"
)

// sessionService signs the web UI in.
type sessionService struct {
	auth    *authenticator
	tenants tenants
	version string
}

func (s *sessionService) CreateSession(
	ctx context.Context, request *connect.Request[postriderv1.CreateSessionRequest],
) (*connect.Response[postriderv1.CreateSessionResponse], error) {
	c, err := s.auth.byKey(ctx, request.Msg.GetKey())
	if err != nil {
		return nil, err
	}
	session := access.NewSession(c.KeyID, c.hash, time.Now())
	c.SessionEnd = session.Expires
	shown, err := s.show(ctx, c)
	if err != nil {
		return nil, err
	}
	response := connect.NewResponse(&postriderv1.CreateSessionResponse{Session: shown})
	cookie := sessionCookieFor(access.SealSession(s.auth.ring, session), session.Expires, overTLS(request.Header()))
	response.Header().Set("Set-Cookie", cookie.String())
	return response, nil
}

func (s *sessionService) GetSession(
	ctx context.Context, _ *connect.Request[postriderv1.GetSessionRequest],
) (*connect.Response[postriderv1.GetSessionResponse], error) {
	shown, err := s.show(ctx, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&postriderv1.GetSessionResponse{Session: shown}), nil
}

// DeleteSession ends the session for every client with its cookie, and the streams and tickets that were made in it.
func (s *sessionService) DeleteSession(
	ctx context.Context, request *connect.Request[postriderv1.DeleteSessionRequest],
) (*connect.Response[postriderv1.DeleteSessionResponse], error) {
	if err := s.end(ctx, sessionToken(request.Header())); err != nil {
		return nil, err
	}
	response := connect.NewResponse(&postriderv1.DeleteSessionResponse{})
	response.Header().Set("Set-Cookie", sessionCookieFor("", time.Time{}, overTLS(request.Header())).String())
	return response, nil
}

// end ends the session of a token. A token that is not valid any more has ended already.
func (s *sessionService) end(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	c, err := s.auth.bySession(ctx, token)
	switch {
	case gateway.ErrorCode(err) == gateway.CodeUnauthenticated:
		return nil
	case err != nil:
		return err
	}
	return s.auth.store.EndSession(ctx, c.session)
}

func (s *sessionService) show(ctx context.Context, c caller) (*postriderv1.Session, error) {
	tenant, err := s.tenants.nameOf(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	return wire.Session(c.Principal, tenant, s.version), nil
}

// overTLS reports whether the browser uses https: TLS is terminated by a proxy, not by this server.
func overTLS(header http.Header) bool {
	return header.Get("X-Forwarded-Proto") == "https" || strings.HasPrefix(header.Get("Origin"), "https://")
}
