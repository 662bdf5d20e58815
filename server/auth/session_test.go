package auth_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/auth"
)

var signedIn = time.Unix(1700000000, 0)

func TestSession(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	session := auth.NewSession("key_1", auth.HashKey("k"), signedIn.Add(300*time.Millisecond))
	token := ring.SealSession(session)
	cases := []struct {
		name string
		ring *auth.Keyring
		text string
		now  time.Time
		want error
	}{
		{"at once", ring, token, signedIn, nil},
		{"in its last second", ring, token, signedIn.Add(12*time.Hour - time.Second), nil},
		{"at its end", ring, token, signedIn.Add(12 * time.Hour), auth.ErrSessionExpired},
		{"long after", ring, token, signedIn.Add(1000 * time.Hour), auth.ErrSessionExpired},
		{"clock a little behind", ring, token, signedIn.Add(-time.Minute), nil},
		{"from the future", ring, token, signedIn.Add(-time.Hour), auth.ErrSession},
		{"after a rotation", keyring(t, secondKey, firstKey), token, signedIn, nil},
		{"another server's", keyring(t, secondKey), token, signedIn, auth.ErrSession},
		{"empty", ring, "", signedIn, auth.ErrSession},
		{"text", ring, "admin", signedIn, auth.ErrSession},
		{"cut short", ring, token[:len(token)-4], signedIn, auth.ErrSession},
		{"padded", ring, token + "=", signedIn, auth.ErrSession},
		{"too long", ring, strings.Repeat("A", 1<<20), signedIn, auth.ErrSession},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.ring.OpenSession(c.text, c.now)
			if !errors.Is(err, c.want) {
				t.Fatalf("error is %v, want %v", err, c.want)
			}
			if err == nil && withoutID(got) != session {
				t.Errorf("session is %+v, want %+v", got, session)
			}
		})
	}
}

func withoutID(s auth.Session) auth.Session {
	s.ID = auth.SessionID{}
	return s
}

// Two sign-ins of one key in the same second are two sessions, and a token written with line breaks is the same one.
func TestEverySessionHasAnIDOfItsOwn(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	session := auth.NewSession("key_1", auth.HashKey("k"), signedIn)
	id := func(token string) auth.SessionID {
		opened, err := ring.OpenSession(token, signedIn)
		if err != nil {
			t.Fatal(err)
		}
		return opened.ID
	}
	token := ring.SealSession(session)
	if id(token) == id(ring.SealSession(session)) || id(token) == (auth.SessionID{}) {
		t.Error("two sessions share an id")
	}
	if id(token) != id(token[:10]+"\n"+token[10:]) {
		t.Error("one session has two ids")
	}
}

func TestSessionTokenFitsACookie(t *testing.T) {
	t.Parallel()
	session := auth.NewSession(strings.Repeat("k", 64), auth.HashKey("k"), signedIn)
	token := keyring(t, firstKey).SealSession(session)
	if strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		t.Errorf("token %q", token)
	}
	if got, err := keyring(t, firstKey).OpenSession(token, signedIn); err != nil || withoutID(got) != session {
		t.Errorf("the longest id: %+v, %v", got, err)
	}
}

// A sealed secret is no session, although the same secret key is behind both.
func TestSealedValueIsNoSession(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	sealed := ring.Seal(auth.Place{}, []byte(strings.Repeat("x", 80)))
	if _, err := ring.OpenSession(base64.RawURLEncoding.EncodeToString(sealed), signedIn); !errors.Is(err, auth.ErrSession) {
		t.Errorf("error is %v", err)
	}
}

func FuzzOpenSession(f *testing.F) {
	ring := keyring(f, firstKey)
	session := auth.NewSession(auth.AdminKeyID, auth.HashKey("k"), signedIn)
	f.Add(ring.SealSession(session))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := ring.OpenSession(text, signedIn); err == nil && withoutID(got) != session {
			t.Errorf("%q opened as a forgery: %+v", text, got)
		}
	})
}
