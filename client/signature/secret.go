// Package signature signs and verifies webhooks according to Standard Webhooks (https://www.standardwebhooks.com), with
// symmetric keys (v1, HMAC-SHA256).
package signature

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
)

const (
	secretPrefix = "whsec_"
	// A secret's length in bytes, before base64.
	minSecretBytes = 24
	maxSecretBytes = 64
	newSecretBytes = 32
)

// ErrSecret means that a text is not a signing secret. It does not repeat the text.
var ErrSecret = errors.New(`a signing secret is "whsec_" and the base64 of 24 to 64 bytes`)

// Secret is a signing key. It prints as dots; Reveal returns the text. The zero value signs nothing.
type Secret struct{ key []byte }

// NewSecret returns a secret of 32 random bytes.
func NewSecret() Secret {
	key := make([]byte, newSecretBytes)
	_, _ = rand.Read(key) // never fails
	return Secret{key}
}

// ParseSecret parses "whsec_" and standard base64 of 24 to 64 bytes, with or without padding. The error is ErrSecret.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok || strings.ContainsAny(encoded, "\r\n") {
		return Secret{}, ErrSecret
	}
	encoding := base64.StdEncoding
	if !strings.HasSuffix(encoded, "=") {
		encoding = base64.RawStdEncoding
	}
	key, err := encoding.Strict().DecodeString(encoded)
	if err != nil || len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return Secret{}, ErrSecret
	}
	return Secret{key}, nil
}

// Reveal returns the text that ParseSecret accepts.
func (s Secret) Reveal() string {
	return secretPrefix + base64.StdEncoding.EncodeToString(s.key)
}

// IsZero reports whether there is no key.
func (s Secret) IsZero() bool { return len(s.key) == 0 }

// String hides the key, so that a secret can stand in a value that is logged.
func (s Secret) String() string { return secretPrefix + "•••" }

// GoString hides the key.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the key.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
