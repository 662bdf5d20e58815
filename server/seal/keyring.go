// Package seal encrypts what the server keeps or hands out: secrets in the database, and the tokens of sessions and tickets. All keys
// for that are derived from the server's secret key. The package knows neither the tables nor the content of tokens.
package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

const (
	secretKeyBytes = 32
	secretKeyFile  = "secret.key"
)

// ErrSecretKey means that a secret key is not in its form. It does not repeat the key.
var ErrSecretKey = errors.New("a secret key is 32 random bytes as 64 hexadecimal digits or as base64; several are separated by commas or newlines, the one to seal with first")

// Keyring is the server's secret key, with older ones that can still open what they sealed. It is safe for concurrent
// use. To change the key, put the new one in front of the old.
type Keyring struct {
	keys []derived
	// file is where Save writes text, the key that was made because there was none; empty when there is nothing to save.
	file, text string
}

// derived is what one secret key is used for: each use has a key of its own.
type derived struct {
	id     keyID
	seal   aead
	tokens map[Use]aead
}

// LoadKeyring reads the keyring from setting (POSTRIDER_SECRET_KEY) or, when that is empty, from <dir>/secret.key. When that
// does not exist, a key is made, which Save writes: first it must be known that nothing was sealed with a key that is lost.
func LoadKeyring(setting, dir string) (*Keyring, error) {
	if strings.TrimSpace(setting) != "" {
		return ParseKeyring(setting)
	}
	path := filepath.Join(dir, secretKeyFile)
	text, err := ReadPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newKeyring(path)
	}
	if err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	ring, err := ParseKeyring(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ring, nil
}

func newKeyring(path string) (*Keyring, error) {
	text := newSecretKey()
	ring, err := ParseKeyring(text)
	if err != nil {
		return nil, err
	}
	ring.file, ring.text = path, text
	return ring, nil
}

// Save writes a key that LoadKeyring has made, with mode 0600. It must be called before anything is sealed for good.
func (r *Keyring) Save() error {
	if r.file == "" {
		return nil
	}
	if err := WritePrivate(r.file, r.text+"\n"); err != nil {
		return fmt.Errorf("secret key: %w", err)
	}
	r.file, r.text = "", ""
	return nil
}

func newSecretKey() string {
	key := make([]byte, secretKeyBytes)
	_, _ = rand.Read(key) // never fails
	return hex.EncodeToString(key)
}

// ParseKeyring reads one or more secret keys. The first seals, all open. The error is ErrSecretKey.
func ParseKeyring(text string) (*Keyring, error) {
	ring := new(Keyring)
	for _, item := range strings.FieldsFunc(text, isSeparator) {
		key, err := parseSecretKey(item)
		if err != nil {
			return nil, err
		}
		ring.keys = append(ring.keys, derive(key))
	}
	if len(ring.keys) == 0 {
		return nil, ErrSecretKey
	}
	return ring, nil
}

func isSeparator(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }

func parseSecretKey(text string) ([]byte, error) {
	if len(text) == hex.EncodedLen(secretKeyBytes) {
		return keyOrError(hex.DecodeString(text))
	}
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return keyOrError(base64.RawStdEncoding.Strict().DecodeString(standard))
}

func keyOrError(key []byte, err error) ([]byte, error) {
	if err != nil || len(key) != secretKeyBytes {
		return nil, ErrSecretKey
	}
	return key, nil
}

func derive(secret []byte) derived {
	sum := sha256.Sum256(secret)
	key := derived{id: keyID(sum[:keyIDBytes]), seal: newAEAD(subkey(secret, "postrider seal v1")), tokens: map[Use]aead{}}
	for _, use := range []Use{ForSession, ForTicket} {
		key.tokens[use] = newAEAD(subkey(secret, string(use)))
	}
	return key
}

func subkey(secret []byte, use string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, use, secretKeyBytes)
	if err != nil {
		panic(err) // only for a length HKDF cannot give
	}
	return key
}

// find returns the key with this id.
func (r *Keyring) find(id keyID) (derived, bool) {
	for _, key := range r.keys {
		if key.id == id {
			return key, true
		}
	}
	return derived{}, false
}
