package access

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
)

const (
	// TicketLifetime is how long a ticket lets in.
	TicketLifetime = 15 * time.Minute
	// maxTicketBytes bounds a ticket's text, which is part of an address.
	maxTicketBytes = 16 << 10
)

// What OpenTicket finds wrong.
var (
	ErrTicket        = errors.New("the ticket is not one of this server")
	ErrTicketExpired = errors.New("the ticket has expired")
)

// Ticket lets its holder read one tenant's live events, in place of the key it was made with. The server keeps nothing of
// it. The caller of OpenTicket must still check that the key with this id exists, has this hash and is not revoked, and that
// nobody signed out of the session.
type Ticket struct {
	// KeyID is the id of the key that made it; AdminKeyID for the admin key.
	KeyID string
	// KeyHash makes the ticket end when the key behind the id becomes another one.
	KeyHash KeyHash
	// Tenant is the id of the tenant whose events it shows.
	Tenant int64
	// Types and Expression are the filter it shows events through; empty for any that the holder asks for.
	Types      []string
	Expression string
	// Session is the one that it was made in and ends with, and SessionExpires when that ends; zero for none.
	Session        gateway.SessionID
	SessionExpires time.Time
	// Issued and Expires are whole seconds.
	Issued, Expires time.Time
}

// ticketClaims is a ticket as it is sealed.
type ticketClaims struct {
	Key        string   `json:"k"`
	Hash       []byte   `json:"h"`
	Tenant     int64    `json:"t"`
	Types      []string `json:"y,omitempty"`
	Expression string   `json:"x,omitempty"`
	Issued     int64    `json:"i"`
	Expires    int64    `json:"e"`
	// Session and SessionExpires are absent of a ticket that was made with a bearer key.
	Session        []byte `json:"s,omitempty"`
	SessionExpires int64  `json:"se,omitempty"`
}

func newTicketClaims(t Ticket) ticketClaims {
	claims := ticketClaims{
		Key: t.KeyID, Hash: t.KeyHash[:], Tenant: t.Tenant, Types: t.Types, Expression: t.Expression,
		Issued: t.Issued.Unix(), Expires: t.Expires.Unix(),
	}
	if !t.SessionExpires.IsZero() {
		claims.Session, claims.SessionExpires = t.Session[:], t.SessionExpires.Unix()
	}
	return claims
}

func (c ticketClaims) ticket() (Ticket, error) {
	if len(c.Hash) != len(KeyHash{}) {
		return Ticket{}, ErrTicket
	}
	t := Ticket{
		KeyID: c.Key, KeyHash: KeyHash(c.Hash), Tenant: c.Tenant, Types: c.Types, Expression: c.Expression,
		Issued: time.Unix(c.Issued, 0), Expires: time.Unix(c.Expires, 0),
	}
	if len(c.Session) == 0 {
		return t, nil
	}
	if len(c.Session) != len(gateway.SessionID{}) {
		return Ticket{}, ErrTicket
	}
	t.Session, t.SessionExpires = gateway.SessionID(c.Session), time.Unix(c.SessionExpires, 0)
	return t, nil
}

// SealTicket returns the ticket's text: sealed, so that an address does not tell what is in it.
func SealTicket(ring *seal.Keyring, t Ticket) string {
	// A struct of texts and numbers can always be encoded.
	plain, _ := json.Marshal(newTicketClaims(t))
	return ring.SealToken(seal.ForTicket, plain)
}

// OpenTicket reads a ticket. The error is ErrTicket, or ErrTicketExpired when its time is over.
func OpenTicket(ring *seal.Keyring, text string, now time.Time) (Ticket, error) {
	t, err := openTicket(ring, text)
	switch {
	case err != nil, IssuedAhead(t.Issued, now):
		return Ticket{}, ErrTicket
	case !now.Before(t.Expires):
		return Ticket{}, ErrTicketExpired
	}
	return t, nil
}

func openTicket(ring *seal.Keyring, text string) (Ticket, error) {
	if len(text) > maxTicketBytes {
		return Ticket{}, ErrTicket
	}
	plain, _, err := ring.OpenToken(seal.ForTicket, text)
	if err != nil {
		return Ticket{}, err
	}
	var claims ticketClaims
	if err := json.Unmarshal(plain, &claims); err != nil {
		return Ticket{}, err
	}
	return claims.ticket()
}
