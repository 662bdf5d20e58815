package access_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
)

const (
	firstKey  = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	secondKey = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"
)

func keyring(t testing.TB, keys ...string) *seal.Keyring {
	t.Helper()
	ring, err := seal.ParseKeyring(strings.Join(keys, ","))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

var signedIn = time.Unix(1700000000, 0)

func TestSession(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	session := access.NewSession("key_1", access.HashKey("k"), signedIn.Add(300*time.Millisecond))
	token := access.SealSession(ring, session)
	cases := []struct {
		name string
		ring *seal.Keyring
		text string
		now  time.Time
		want error
	}{
		{"at once", ring, token, signedIn, nil},
		{"in its last second", ring, token, signedIn.Add(12*time.Hour - time.Second), nil},
		{"at its end", ring, token, signedIn.Add(12 * time.Hour), access.ErrSessionExpired},
		{"long after", ring, token, signedIn.Add(1000 * time.Hour), access.ErrSessionExpired},
		{"clock a little behind", ring, token, signedIn.Add(-time.Minute), nil},
		{"from the future", ring, token, signedIn.Add(-time.Hour), access.ErrSession},
		{"after a rotation", keyring(t, secondKey, firstKey), token, signedIn, nil},
		{"another server's", keyring(t, secondKey), token, signedIn, access.ErrSession},
		{"empty", ring, "", signedIn, access.ErrSession},
		{"text", ring, "admin", signedIn, access.ErrSession},
		{"cut short", ring, token[:len(token)-4], signedIn, access.ErrSession},
		{"padded", ring, token + "=", signedIn, access.ErrSession},
		{"too long", ring, strings.Repeat("A", 1<<20), signedIn, access.ErrSession},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := access.OpenSession(c.ring, c.text, c.now)
			if !errors.Is(err, c.want) {
				t.Fatalf("error is %v, want %v", err, c.want)
			}
			if err == nil && withoutID(got) != session {
				t.Errorf("session is %+v, want %+v", got, session)
			}
		})
	}
}

func withoutID(s access.Session) access.Session {
	s.ID = gateway.SessionID{}
	return s
}

// Two sign-ins of one key in the same second are two sessions, and a token written with line breaks is the same one.
func TestEverySessionHasAnIDOfItsOwn(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	session := access.NewSession("key_1", access.HashKey("k"), signedIn)
	id := func(token string) gateway.SessionID {
		opened, err := access.OpenSession(ring, token, signedIn)
		if err != nil {
			t.Fatal(err)
		}
		return opened.ID
	}
	token := access.SealSession(ring, session)
	if id(token) == id(access.SealSession(ring, session)) || id(token) == (gateway.SessionID{}) {
		t.Error("two sessions share an id")
	}
	if id(token) != id(token[:10]+"\n"+token[10:]) {
		t.Error("one session has two ids")
	}
}

func TestSessionTokenFitsACookie(t *testing.T) {
	t.Parallel()
	session := access.NewSession(strings.Repeat("k", 64), access.HashKey("k"), signedIn)
	token := access.SealSession(keyring(t, firstKey), session)
	if strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		t.Errorf("token %q", token)
	}
	if got, err := access.OpenSession(keyring(t, firstKey), token, signedIn); err != nil || withoutID(got) != session {
		t.Errorf("the longest id: %+v, %v", got, err)
	}
}

// A sealed secret is no session, although the same secret key is behind both.
func TestSealedValueIsNoSession(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	sealed := ring.Seal(seal.Place{}, []byte(strings.Repeat("x", 80)))
	if _, err := access.OpenSession(ring, base64.RawURLEncoding.EncodeToString(sealed), signedIn); !errors.Is(err, access.ErrSession) {
		t.Errorf("error is %v", err)
	}
}

func FuzzOpenSession(f *testing.F) {
	ring := keyring(f, firstKey)
	session := access.NewSession(access.AdminKeyID, access.HashKey("k"), signedIn)
	f.Add(access.SealSession(ring, session))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := access.OpenSession(ring, text, signedIn); err == nil && withoutID(got) != session {
			t.Errorf("%q opened as a forgery: %+v", text, got)
		}
	})
}
