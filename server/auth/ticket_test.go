package auth_test

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/auth"
)

func ticket() auth.Ticket {
	return auth.Ticket{
		KeyID: "key_1", KeyHash: auth.HashKey("k"), Tenant: 7, Types: []string{"order.*"},
		Expression: `event.subject == "ä" && 1 < 2`, Issued: signedIn, Expires: signedIn.Add(auth.TicketLifetime),
	}
}

func TestTicket(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	text := ring.SealTicket(ticket())
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		t.Errorf("%q is not safe in an address", text)
	}
	cases := []struct {
		name string
		ring *auth.Keyring
		text string
		now  time.Time
		want error
	}{
		{"at once", ring, text, signedIn, nil},
		{"in its last second", ring, text, signedIn.Add(15*time.Minute - time.Second), nil},
		{"at its end", ring, text, signedIn.Add(15 * time.Minute), auth.ErrTicketExpired},
		{"from the future", ring, text, signedIn.Add(-time.Hour), auth.ErrTicket},
		{"after a restart", keyring(t, firstKey), text, signedIn, nil},
		{"after a rotation", keyring(t, secondKey, firstKey), text, signedIn, nil},
		{"another server's", keyring(t, secondKey), text, signedIn, auth.ErrTicket},
		{"a session", ring, ring.SealSession(auth.NewSession("key_1", auth.HashKey("k"), signedIn)), signedIn, auth.ErrTicket},
		{"empty", ring, "", signedIn, auth.ErrTicket},
		{"a key", ring, "prk_aaaabbbbccccddddeeeeffff22", signedIn, auth.ErrTicket},
		{"cut short", ring, text[:len(text)-4], signedIn, auth.ErrTicket},
		{"padded", ring, text + "=", signedIn, auth.ErrTicket},
		{"too long", ring, strings.Repeat("A", 1<<20), signedIn, auth.ErrTicket},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.ring.OpenTicket(c.text, c.now)
			if !errors.Is(err, c.want) {
				t.Fatalf("error is %v, want %v", err, c.want)
			}
			if err == nil && !reflect.DeepEqual(got, ticket()) {
				t.Errorf("ticket is %+v, want %+v", got, ticket())
			}
		})
	}
	if _, err := ring.OpenSession(text, signedIn); !errors.Is(err, auth.ErrSession) {
		t.Errorf("a ticket signs in: %v", err)
	}
}

func TestATicketKnowsItsSession(t *testing.T) {
	t.Parallel()
	ring, made := keyring(t, firstKey), ticket()
	made.Session, made.SessionExpires = auth.SessionID{1, 2, 3}, signedIn.Add(auth.SessionLifetime)
	if got, err := ring.OpenTicket(ring.SealTicket(made), signedIn); err != nil || !reflect.DeepEqual(got, made) {
		t.Errorf("ticket is %+v, %v, want %+v", got, err, made)
	}
}

func TestEveryBitOfATicketCounts(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	sealed, err := base64.RawURLEncoding.DecodeString(ring.SealTicket(ticket()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		sealed[i] ^= 1
		if _, err := ring.OpenTicket(base64.RawURLEncoding.EncodeToString(sealed), signedIn); !errors.Is(err, auth.ErrTicket) {
			t.Errorf("byte %d may be changed: %v", i, err)
		}
		sealed[i] ^= 1
	}
}

// What a ticket may hold at most can be sealed and opened: 20 types and an expression of 1,024 characters.
func TestTheLargestTicket(t *testing.T) {
	t.Parallel()
	ring, large := keyring(t, firstKey), ticket()
	large.Types = nil
	for range 20 {
		large.Types = append(large.Types, strings.Repeat("t", 257))
	}
	for _, expression := range []string{strings.Repeat("<", 1024), strings.Repeat("\U0001F600", 1024)} {
		large.Expression = expression
		if got, err := ring.OpenTicket(ring.SealTicket(large), signedIn); err != nil || !reflect.DeepEqual(got, large) {
			t.Errorf("%.4s: %v", expression, err)
		}
	}
}

func FuzzOpenTicket(f *testing.F) {
	ring := keyring(f, firstKey)
	f.Add(ring.SealTicket(ticket()))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := ring.OpenTicket(text, signedIn); err == nil && !reflect.DeepEqual(got, ticket()) {
			t.Errorf("%q opened as a forgery: %+v", text, got)
		}
	})
}
