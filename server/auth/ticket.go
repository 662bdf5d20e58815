package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"
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
// it; whoever opens one must still ask whether the key with this id exists, has this hash and is not revoked.
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
}

// SealTicket answers the ticket's text: sealed, so that an address does not tell what is in it.
func (r *Keyring) SealTicket(t Ticket) string {
	// A struct of texts and numbers can always be encoded.
	plain, _ := json.Marshal(ticketClaims{
		t.KeyID, t.KeyHash[:], t.Tenant, t.Types, t.Expression, t.Issued.Unix(), t.Expires.Unix(),
	})
	key := r.keys[0]
	return base64.RawURLEncoding.EncodeToString(encrypt(key.ticket, key.id, nil, plain))
}

// OpenTicket reads a ticket. The error is ErrTicket, or ErrTicketExpired when its time is over.
func (r *Keyring) OpenTicket(text string, now time.Time) (Ticket, error) {
	t, err := r.openTicket(text)
	switch {
	case err != nil, t.Issued.After(now.Add(clockSkew)):
		return Ticket{}, ErrTicket
	case !now.Before(t.Expires):
		return Ticket{}, ErrTicketExpired
	}
	return t, nil
}

func (r *Keyring) openTicket(text string) (Ticket, error) {
	if len(text) > maxTicketBytes {
		return Ticket{}, ErrTicket
	}
	plain, err := r.openText(text, func(key derived) aead { return key.ticket })
	if err != nil {
		return Ticket{}, err
	}
	var claims ticketClaims
	if err := json.Unmarshal(plain, &claims); err != nil {
		return Ticket{}, err
	}
	if len(claims.Hash) != len(KeyHash{}) {
		return Ticket{}, ErrTicket
	}
	return Ticket{
		KeyID: claims.Key, KeyHash: KeyHash(claims.Hash), Tenant: claims.Tenant,
		Types: claims.Types, Expression: claims.Expression,
		Issued: time.Unix(claims.Issued, 0), Expires: time.Unix(claims.Expires, 0),
	}, nil
}
