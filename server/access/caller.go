package access

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Caller is who calls, with its proof.
type Caller struct {
	gateway.Principal
	// Hash is that of the key which the caller has shown, or signed in or made the ticket with.
	Hash KeyHash
	// Ticket is what the caller has shown in place of a key; nil for none.
	Ticket *Ticket
	// Session is the one that the caller, or the maker of the ticket, signed in with; zero for a bearer key.
	Session gateway.Session
	// Refused is why the call's headers do not authenticate, if a ticket in the message may; nil for an authenticated caller.
	Refused error

	// issued is when the ticket or the session was made; zero for a bearer key.
	issued time.Time
}

// Known reports whether the caller is authenticated.
func (c Caller) Known() bool { return c.KeyID != "" }

// Ends is when the caller's ticket or session expires; zero for a bearer key.
func (c Caller) Ends() time.Time {
	if c.Ticket != nil {
		return c.Ticket.Expires
	}
	return c.SessionEnd
}

// Proof is what authenticated a caller. Streams that share one are checked once.
type Proof struct {
	hash    KeyHash
	session gateway.SessionID
	ends    time.Time
}

// String is equal for callers with the same proof, and reveals nothing of it.
func (p Proof) String() string {
	return fmt.Sprintf("%x %x %d", p.hash[:8], p.session[:], p.ends.Unix())
}

// Proof returns what authenticated the caller.
func (c Caller) Proof() Proof { return Proof{c.Hash, c.Session.ID, c.Ends()} }

type callerKey struct{}

// With returns a context with the caller of what is done in it.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// Of returns the caller that was admitted; for an open method the zero caller, which may do nothing.
func Of(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
