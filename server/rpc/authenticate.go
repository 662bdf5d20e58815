package rpc

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/seal"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/wire"
)

// sessionCookie holds the session token of the web UI.
const sessionCookie = "postrider_session"

// authenticator identifies callers.
type authenticator struct {
	store *store.Store
	admin access.KeyHash
	ring  *seal.Keyring
	// maxBytes is the largest request that is read at all.
	maxBytes int
	// bodies is the memory budget of authenticated callers.
	bodies *limit.Budget
	// signIns bounds the sign-ins.
	signIns *limit.Rates
	// refused logs calls that are refused.
	refused *limit.Sampler
	logger  *slog.Logger
}

// Sign-ins of one address and of all. Behind a proxy all users share one address, and each signs in a few times a day.
var (
	signInsOfAddress = limit.Rate{PerSecond: 5, Burst: 100}
	signInsOfAll     = limit.Rate{PerSecond: 50, Burst: 500}
)

// caller is an authenticated caller and its proof.
type caller struct {
	gateway.Principal
	hash access.KeyHash
	// ticketEnd is when the caller's ticket ends; zero for who has none.
	ticketEnd time.Time
	// issued is when the ticket or the session was made; zero for a bearer key.
	issued time.Time
	// session is the one the caller, or the maker of the ticket, signed in with; zero for a bearer key.
	session gateway.Session
	// refused is why the call's headers do not authenticate, if a ticket in the message may; nil for an authenticated caller.
	refused error
}

// known reports whether the caller is authenticated.
func (c caller) known() bool { return c.KeyID != "" }

// ends is when the caller's ticket or session expires; zero for a bearer key.
func (c caller) ends() time.Time {
	if !c.ticketEnd.IsZero() {
		return c.ticketEnd
	}
	return c.SessionEnd
}

type callerKey struct{}

func withCaller(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf returns the caller that gate has authenticated; for an open procedure the zero caller, which may do nothing.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// gate admits or refuses a call. It runs before any of the request's message is read.
func (a *authenticator) gate(ctx context.Context, spec connect.Spec, peer connect.Peer, header http.Header) (context.Context, error) {
	required := requirements[spec.Procedure]
	c, err := a.letIn(ctx, required, header)
	if err == nil && required.signsIn {
		err = a.signIns.Allow(limit.Address(peer.Addr))
	}
	if err == nil {
		err = chargeQuery(ctx, peer.Query)
	}
	if err == nil {
		err = checkQuery(peer.Query)
	}
	if err != nil {
		a.refused.Log(ctx, slog.LevelInfo, "refused", slog.String("procedure", spec.Procedure),
			slog.String("peer", peer.Addr), slog.String("key", c.KeyID), slog.Any("error", err))
		return nil, wire.ConnectError(ctx, a.logger, err)
	}
	return withCaller(ctx, c), nil
}

// letIn authenticates the caller, and charges the call to it from now on.
func (a *authenticator) letIn(ctx context.Context, required requirement, header http.Header) (caller, error) {
	if required.open {
		limit.CallOf(ctx).Confine(limit.SmallBody)
		return caller{}, checkOrigin(header)
	}
	c, err := a.authenticate(ctx, header)
	if err == nil {
		err = required.permit(c.Principal)
	}
	if err != nil && required.orTicket && header.Get("Authorization") == "" {
		c, err = caller{refused: err}, nil
	}
	if err != nil {
		return c, err
	}
	if err := a.checkLength(header); err != nil || !c.known() {
		return c, err
	}
	return c, a.charge(ctx, c)
}

// charge moves the call to the budget of a known caller.
func (a *authenticator) charge(ctx context.Context, c caller) error {
	return limit.CallOf(ctx).Admit(a.bodies, limit.Holder{Key: c.KeyID, Tenant: int64(c.Tenant)}, a.maxBytes)
}

// checkLength refuses a request with a Content-Length that is too large, without reading it.
func (a *authenticator) checkLength(header http.Header) error {
	length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil || length <= int64(a.maxBytes) {
		return nil
	}
	fault := gateway.FieldError("request", "has %d bytes, which is more than this server reads", length)
	fault.Reason = gateway.ReasonTooLarge
	return fault
}

func (a *authenticator) authenticate(ctx context.Context, header http.Header) (caller, error) {
	if authorization := header.Get("Authorization"); authorization != "" {
		scheme, key, _ := strings.Cut(authorization, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return caller{}, unauthenticated("send the key as Authorization: Bearer KEY")
		}
		if key = strings.TrimSpace(key); key == "" {
			return caller{}, unauthenticated("there is no key after Bearer; send it as Authorization: Bearer KEY")
		}
		return a.byKey(ctx, key)
	}
	token := sessionToken(header)
	if token == "" {
		return caller{}, unauthenticated("there is no key; send it as Authorization: Bearer KEY")
	}
	if err := checkOrigin(header); err != nil {
		return caller{}, err
	}
	return a.bySession(ctx, token)
}

// byKey authenticates by an API key.
func (a *authenticator) byKey(ctx context.Context, key string) (caller, error) {
	if key == "" || len(key) > access.MaxKeyBytes {
		return caller{}, errUnknownKey()
	}
	return a.byHash(ctx, access.HashKey(key))
}

func (a *authenticator) byHash(ctx context.Context, hash access.KeyHash) (caller, error) {
	if hash.Equal(a.admin) {
		principal := gateway.Principal{KeyID: access.AdminKeyID, KeyName: access.AdminKeyID, Scopes: gateway.ScopeAdmin}
		return caller{Principal: principal, hash: hash}, nil
	}
	key, err := a.store.APIKeyByHash(ctx, hash)
	if gateway.ErrorCode(err) == gateway.CodeNotFound {
		return caller{}, errUnknownKey()
	}
	if err != nil {
		return caller{}, err
	}
	if !key.RevokeTime.IsZero() {
		return caller{}, unauthenticated("the key is revoked")
	}
	principal := gateway.Principal{KeyID: key.UID, KeyName: key.Name, Tenant: key.Tenant, Scopes: key.Scopes}
	return caller{Principal: principal, hash: hash}, nil
}

// bySession authenticates by a session. Its key must still be valid, and nobody may have signed out of it.
func (a *authenticator) bySession(ctx context.Context, token string) (caller, error) {
	opened, err := access.OpenSession(a.ring, token, time.Now())
	if err != nil {
		return caller{}, errSessionEnded()
	}
	c, err := a.byHash(ctx, opened.KeyHash)
	if err != nil {
		return caller{}, err
	}
	if c.KeyID != opened.KeyID {
		return caller{}, errUnknownKey()
	}
	c.SessionEnd, c.issued = opened.Expires, opened.Issued
	c.session = gateway.Session{
		ID: gateway.SessionID(opened.ID), KeyID: c.KeyID, Tenant: c.Tenant, Expires: opened.Expires,
	}
	return c, a.checkSession(c)
}

// checkSession refuses a caller who has signed out of the session since.
func (a *authenticator) checkSession(c caller) error {
	if !c.session.Expires.IsZero() && a.store.SessionEnded(c.session) {
		return errSessionEnded()
	}
	return nil
}

// stillGood returns why a caller that was admitted earlier would be refused now; nil if it would be admitted.
func (a *authenticator) stillGood(ctx context.Context, c caller) error {
	now := time.Now()
	if ends := c.ends(); !ends.IsZero() && (!now.Before(ends) || access.IssuedAhead(c.issued, now)) {
		if ends == c.ticketEnd {
			return errTicketExpired()
		}
		return errSessionEnded()
	}
	if err := a.checkSession(c); err != nil {
		return err
	}
	_, err := a.byHash(ctx, c.hash)
	if gateway.ErrorCode(err) == gateway.CodeUnauthenticated {
		return err
	}
	return nil // A database that does not answer right now proves nothing against the caller.
}

func sessionToken(header http.Header) string {
	cookie, err := (&http.Request{Header: header}).Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// checkOrigin refuses requests that a browser sends for another site's page. Non-browser clients send neither header, and have no
// cookie that could be misused.
func checkOrigin(header http.Header) error {
	switch header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
		origin := header.Get("Origin")
		if origin == "" || sameHost(origin, header.Get("Host")) {
			return nil
		}
	}
	return gateway.Errorf(gateway.CodePermissionDenied, gateway.ReasonUnauthenticated,
		"the session cookie is good for pages of this server only; use a bearer key")
}

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && host != "" && strings.EqualFold(u.Host, host)
}

func errUnknownKey() error { return unauthenticated("the key is not one of this server") }

func errSessionEnded() error { return unauthenticated("the session has ended; sign in again") }

func unauthenticated(message string) error {
	return gateway.Errorf(gateway.CodeUnauthenticated, gateway.ReasonUnauthenticated, "%s", message)
}

// sessionCookieFor makes the cookie that carries a token until it expires; an empty token makes the browser forget it.
func sessionCookieFor(token string, expires time.Time, secure bool) *http.Cookie {
	cookie := &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", Expires: expires,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
	if token == "" {
		cookie.Expires, cookie.MaxAge = time.Time{}, -1
	}
	return cookie
}
