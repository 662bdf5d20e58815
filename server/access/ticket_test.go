package access_test

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/access"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/seal"
)

func ticket() access.Ticket {
	return access.Ticket{
		KeyID: "key_1", KeyHash: access.HashKey("k"), Tenant: 7, Types: []string{"order.*"},
		Expression: `event.subject == "ä" && 1 < 2`, Issued: signedIn, Expires: signedIn.Add(access.TicketLifetime),
	}
}

func TestTicket(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	text := access.SealTicket(ring, ticket())
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		t.Errorf("%q is not safe in an address", text)
	}
	cases := []struct {
		name string
		ring *seal.Keyring
		text string
		now  time.Time
		want error
	}{
		{"at once", ring, text, signedIn, nil},
		{"in its last second", ring, text, signedIn.Add(15*time.Minute - time.Second), nil},
		{"at its end", ring, text, signedIn.Add(15 * time.Minute), access.ErrTicketExpired},
		{"from the future", ring, text, signedIn.Add(-time.Hour), access.ErrTicket},
		{"after a restart", keyring(t, firstKey), text, signedIn, nil},
		{"after a rotation", keyring(t, secondKey, firstKey), text, signedIn, nil},
		{"another server's", keyring(t, secondKey), text, signedIn, access.ErrTicket},
		{"a session", ring, access.SealSession(ring, access.NewSession("key_1", access.HashKey("k"), signedIn)), signedIn, access.ErrTicket},
		{"empty", ring, "", signedIn, access.ErrTicket},
		{"a key", ring, "prk_aaaabbbbccccddddeeeeffff22", signedIn, access.ErrTicket},
		{"cut short", ring, text[:len(text)-4], signedIn, access.ErrTicket},
		{"padded", ring, text + "=", signedIn, access.ErrTicket},
		{"too long", ring, strings.Repeat("A", 1<<20), signedIn, access.ErrTicket},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := access.OpenTicket(c.ring, c.text, c.now)
			if !errors.Is(err, c.want) {
				t.Fatalf("error is %v, want %v", err, c.want)
			}
			if err == nil && !reflect.DeepEqual(got, ticket()) {
				t.Errorf("ticket is %+v, want %+v", got, ticket())
			}
		})
	}
	if _, err := access.OpenSession(ring, text, signedIn); !errors.Is(err, access.ErrSession) {
		t.Errorf("a ticket signs in: %v", err)
	}
}

func TestATicketKnowsItsSession(t *testing.T) {
	t.Parallel()
	ring, made := keyring(t, firstKey), ticket()
	made.Session, made.SessionExpires = gateway.SessionID{1, 2, 3}, signedIn.Add(access.SessionLifetime)
	if got, err := access.OpenTicket(ring, access.SealTicket(ring, made), signedIn); err != nil || !reflect.DeepEqual(got, made) {
		t.Errorf("ticket is %+v, %v, want %+v", got, err, made)
	}
}

func TestEveryBitOfATicketCounts(t *testing.T) {
	t.Parallel()
	ring := keyring(t, firstKey)
	sealed, err := base64.RawURLEncoding.DecodeString(access.SealTicket(ring, ticket()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		sealed[i] ^= 1
		if _, err := access.OpenTicket(ring, base64.RawURLEncoding.EncodeToString(sealed), signedIn); !errors.Is(err, access.ErrTicket) {
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
		if got, err := access.OpenTicket(ring, access.SealTicket(ring, large), signedIn); err != nil || !reflect.DeepEqual(got, large) {
			t.Errorf("%.4s: %v", expression, err)
		}
	}
}

func FuzzOpenTicket(f *testing.F) {
	ring := keyring(f, firstKey)
	f.Add(access.SealTicket(ring, ticket()))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := access.OpenTicket(ring, text, signedIn); err == nil && !reflect.DeepEqual(got, ticket()) {
			t.Errorf("%q opened as a forgery: %+v", text, got)
		}
	})
}
