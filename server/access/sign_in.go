package access

import (
	"context"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// SignIn begins a session with a key, and returns its token for SessionCookie (cookie.go). Sessions are not stored: to store them instead,
// change SignIn, SignOut and BySession (authenticate.go). Sessions that were ended early are in store/ended_session.go.
func (a *Control) SignIn(ctx context.Context, key string) (Caller, string, error) {
	c, err := a.ByKey(ctx, key)
	if err != nil {
		return Caller{}, "", err
	}
	session := NewSession(c.KeyID, c.Hash, time.Now())
	c.SessionEnd = session.Expires
	return c, SealSession(a.config.Keyring, session), nil
}

// SignOut ends the session of a token for every client that has it. A token that is not valid any more has ended already.
func (a *Control) SignOut(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	c, err := a.BySession(ctx, token)
	switch {
	case gateway.ErrorCode(err) == gateway.CodeUnauthenticated:
		return nil
	case err != nil:
		return err
	}
	return a.config.Store.EndSession(ctx, c.Session)
}

// NewTicket makes a ticket for a tenant's events that the filter selects. It does not outlive the caller's credentials: it ends with a
// session, too.
func (a *Control) NewTicket(c Caller, tenant gateway.TenantID, selected gateway.Filter, lifetime time.Duration) (text string, expires time.Time) {
	now := time.Now().Truncate(time.Second)
	ticket := Ticket{
		KeyID: c.KeyID, KeyHash: c.Hash, Tenant: int64(tenant), Types: selected.Types, Expression: selected.Expression,
		Session: c.Session.ID, SessionExpires: c.Session.Expires,
		Issued: now, Expires: now.Add(lifetime.Truncate(time.Second)),
	}
	if ends := c.Ends(); !ends.IsZero() && ends.Before(ticket.Expires) {
		ticket.Expires = ends
	}
	return SealTicket(a.config.Keyring, ticket), ticket.Expires
}
