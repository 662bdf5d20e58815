package access

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
)

const (
	// SessionLifetime is how long a session of the web UI lasts.
	SessionLifetime = 12 * time.Hour
	// AdminKeyID stands for the admin key where an API key's id would.
	AdminKeyID = "admin"
	// maxSessionBytes bounds a token's text.
	maxSessionBytes = 512
	// clockSkew is how far ahead a session may have been issued.
	clockSkew = time.Minute
	// claimsHead is issued, expires and the hash.
	claimsHead = 8 + 8 + len(KeyHash{})
)

// What OpenSession finds wrong.
var (
	ErrSession        = errors.New("the session is not one of this server")
	ErrSessionExpired = errors.New("the session has ended")
)

// Session is the content of a session token. The server does not store sessions: Control.SignIn makes the token, which the browser keeps in
// its cookie, and only sessions that were ended early are stored (Control.SignOut). The caller of OpenSession must still check that the key
// with this id exists, has this hash and is not revoked, and that nobody signed out of the session; Control.BySession does.
type Session struct {
	// ID is derived from the token, which it does not reveal. Only OpenSession sets it.
	ID gateway.SessionID
	// KeyID is the id of the key that signed in; AdminKeyID for the admin key.
	KeyID string
	// KeyHash makes the session end when the key behind the id becomes another one.
	KeyHash KeyHash
	// Issued and Expires are whole seconds.
	Issued, Expires time.Time
}

// NewSession begins a session of SessionLifetime.
func NewSession(keyID string, hash KeyHash, now time.Time) Session {
	issued := now.Truncate(time.Second)
	return Session{KeyID: keyID, KeyHash: hash, Issued: issued, Expires: issued.Add(SessionLifetime)}
}

// SealSession returns the session's token: sealed, and safe in a cookie.
func SealSession(ring *seal.Keyring, s Session) string {
	return ring.SealToken(seal.ForSession, s.append(nil))
}

// OpenSession reads a token. The error is ErrSession, or ErrSessionExpired when its time is over.
func OpenSession(ring *seal.Keyring, token string, now time.Time) (Session, error) {
	s, err := openSession(ring, token)
	switch {
	case err != nil, IssuedAhead(s.Issued, now):
		return Session{}, ErrSession
	case !now.Before(s.Expires):
		return Session{}, ErrSessionExpired
	}
	return s, nil
}

// IssuedAhead reports whether a session or ticket was issued by a clock that was ahead of now: it would be good for longer than it
// was made for.
func IssuedAhead(issued, now time.Time) bool { return issued.After(now.Add(clockSkew)) }

func openSession(ring *seal.Keyring, token string) (Session, error) {
	if len(token) > maxSessionBytes {
		return Session{}, ErrSession
	}
	plain, sealed, err := ring.OpenToken(seal.ForSession, token)
	if err != nil {
		return Session{}, err
	}
	s, err := parseSession(plain)
	// Each token has a random nonce and cannot be changed, while one text can be written in several ways.
	sum := sha256.Sum256(sealed)
	copy(s.ID[:], sum[:])
	return s, err
}

func (s Session) append(to []byte) []byte {
	to = binary.BigEndian.AppendUint64(to, uint64(s.Issued.Unix()))
	to = binary.BigEndian.AppendUint64(to, uint64(s.Expires.Unix()))
	to = append(to, s.KeyHash[:]...)
	return append(to, s.KeyID...)
}

func parseSession(plain []byte) (Session, error) {
	if len(plain) <= claimsHead {
		return Session{}, ErrSession
	}
	return Session{
		Issued:  time.Unix(int64(binary.BigEndian.Uint64(plain)), 0),
		Expires: time.Unix(int64(binary.BigEndian.Uint64(plain[8:])), 0),
		KeyHash: KeyHash(plain[16:claimsHead]),
		KeyID:   string(plain[claimsHead:]),
	}, nil
}
