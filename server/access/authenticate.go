package access

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Authenticate finds out who sends a request, by the key or the session in its headers.
func (a *Control) Authenticate(ctx context.Context, header http.Header) (Caller, error) {
	if authorization := header.Get("Authorization"); authorization != "" {
		scheme, key, _ := strings.Cut(authorization, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return Caller{}, unauthenticated("send the key as Authorization: Bearer KEY")
		}
		if key = strings.TrimSpace(key); key == "" {
			return Caller{}, unauthenticated("there is no key after Bearer; send it as Authorization: Bearer KEY")
		}
		return a.ByKey(ctx, key)
	}
	token := SessionToken(header)
	if token == "" {
		return Caller{}, unauthenticated("there is no key; send it as Authorization: Bearer KEY")
	}
	if err := checkOrigin(header); err != nil {
		return Caller{}, err
	}
	return a.BySession(ctx, token)
}

// ByKey authenticates by an API key.
func (a *Control) ByKey(ctx context.Context, key string) (Caller, error) {
	if key == "" || len(key) > MaxKeyBytes {
		return Caller{}, errUnknownKey()
	}
	return a.byHash(ctx, HashKey(key))
}

func (a *Control) byHash(ctx context.Context, hash KeyHash) (Caller, error) {
	if hash.Equal(a.config.AdminKey) {
		principal := gateway.Principal{KeyID: AdminKeyID, KeyName: AdminKeyID, Scopes: gateway.ScopeAdmin}
		return Caller{Principal: principal, Hash: hash}, nil
	}
	key, err := a.config.Store.APIKeyByHash(ctx, hash)
	if gateway.ErrorCode(err) == gateway.CodeNotFound {
		return Caller{}, errUnknownKey()
	}
	if err != nil {
		return Caller{}, err
	}
	if !key.RevokeTime.IsZero() {
		return Caller{}, unauthenticated("the key is revoked")
	}
	principal := gateway.Principal{KeyID: key.UID, KeyName: key.Name, Tenant: key.Tenant, Scopes: key.Scopes}
	return Caller{Principal: principal, Hash: hash}, nil
}

// BySession authenticates by a session. Its key must still be valid, and nobody may have signed out of it.
func (a *Control) BySession(ctx context.Context, token string) (Caller, error) {
	opened, err := OpenSession(a.config.Keyring, token, time.Now())
	if err != nil {
		return Caller{}, errSessionEnded()
	}
	c, err := a.byHash(ctx, opened.KeyHash)
	if err != nil {
		return Caller{}, err
	}
	if c.KeyID != opened.KeyID {
		return Caller{}, errUnknownKey()
	}
	c.SessionEnd, c.issued = opened.Expires, opened.Issued
	c.Session = gateway.Session{
		ID: opened.ID, KeyID: c.KeyID, Tenant: c.Tenant, Expires: opened.Expires,
	}
	return c, a.checkSession(c)
}

// checkSession refuses a caller who has signed out of the session since.
func (a *Control) checkSession(c Caller) error {
	if !c.Session.Expires.IsZero() && a.config.Store.SessionEnded(c.Session) {
		return errSessionEnded()
	}
	return nil
}

// ByTicket returns the ticket's maker, confined to what the ticket allows. The maker's key must still be valid and may still
// read the tenant's events.
func (a *Control) ByTicket(ctx context.Context, text string) (Caller, error) {
	ticket, err := OpenTicket(a.config.Keyring, text, time.Now())
	if errors.Is(err, ErrTicketExpired) {
		return Caller{}, errTicketExpired()
	}
	if err != nil {
		return Caller{}, errUnknownTicket
	}
	c, err := a.byHash(ctx, ticket.KeyHash)
	if err != nil {
		return Caller{}, err
	}
	tenant := gateway.TenantID(ticket.Tenant)
	if c.KeyID != ticket.KeyID || !c.ServerScoped() && c.Tenant != tenant {
		return Caller{}, errUnknownKey()
	}
	if err := Require(c.Principal, EventsRead); err != nil {
		return c, err
	}
	c.Session = gateway.Session{
		ID: ticket.Session, KeyID: c.KeyID, Tenant: c.Tenant, Expires: ticket.SessionExpires,
	}
	if err := a.checkSession(c); err != nil {
		return c, err
	}
	c.Tenant, c.Scopes, c.Ticket, c.issued = tenant, gateway.ScopeConsume, &ticket, ticket.Issued
	return c, nil
}

// ByToken authenticates by a key or a ticket.
func (a *Control) ByToken(ctx context.Context, token string) (Caller, error) {
	c, err := a.ByKey(ctx, token)
	if err == nil {
		return c, nil
	}
	if c, err := a.ByTicket(ctx, token); err == nil || !errors.Is(err, errUnknownTicket) {
		return c, err
	}
	return Caller{}, err
}

// StillGood returns why a caller that was admitted earlier would be refused now; nil if it would be admitted.
func (a *Control) StillGood(ctx context.Context, c Caller) error {
	now := time.Now()
	if ends := c.Ends(); !ends.IsZero() && (!now.Before(ends) || IssuedAhead(c.issued, now)) {
		if c.Ticket != nil {
			return errTicketExpired()
		}
		return errSessionEnded()
	}
	if err := a.checkSession(c); err != nil {
		return err
	}
	_, err := a.byHash(ctx, c.Hash)
	if gateway.ErrorCode(err) == gateway.CodeUnauthenticated {
		return err
	}
	return nil // A database that does not answer right now proves nothing against the caller.
}

// errUnknownTicket is a single value, so that it can be compared.
var errUnknownTicket = unauthenticated("the ticket is not one of this server")

func errUnknownKey() error { return unauthenticated("the key is not one of this server") }

func errSessionEnded() error { return unauthenticated("the session has ended; sign in again") }

func errTicketExpired() error { return unauthenticated("the ticket has expired; make a new one") }

func unauthenticated(message string) error {
	return gateway.Errorf(gateway.CodeUnauthenticated, gateway.ReasonUnauthenticated, "%s", message)
}
