// Package access finds out who calls and what they may do. Open control.go for how a call is admitted, authenticate.go for how keys,
// sessions and tickets are checked, and method.go and permission.go for permissions.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/postrider-dev/postrider/server/seal"
)

const (
	keyPrefix     = "prk_"
	hintBytes     = 8
	adminKeyFile  = "admin-key"
	minAdminBytes = 16
	maxAdminBytes = 256
)

// MaxKeyBytes bounds what can be a key at all; longer texts need not be hashed.
const MaxKeyBytes = maxAdminBytes

// ErrAdminKey means that an admin key is not in its form. It does not repeat the key.
var ErrAdminKey = errors.New("an admin key is 16 to 256 printable ASCII characters, without space around it")

// KeyHash is the SHA-256 of a key. Keys are random enough (or, the admin key, chosen by the operator) that a plain hash
// tells nothing of them.
type KeyHash [sha256.Size]byte

// NewKey makes the secret of an API key: "prk_" and 130 random bits.
func NewKey() string {
	return keyPrefix + strings.ToLower(rand.Text())
}

// HashKey returns what is stored of a key.
func HashKey(key string) KeyHash {
	return sha256.Sum256([]byte(key))
}

// Equal compares in constant time.
func (h KeyHash) Equal(other KeyHash) bool {
	return subtle.ConstantTimeCompare(h[:], other[:]) == 1
}

// Hint returns the beginning of an API key, to recognise it: "prk_" and four characters.
func Hint(key string) string {
	return key[:min(len(key), hintBytes)]
}

// AdminKey is the key that may do everything.
type AdminKey struct {
	Hash KeyHash
	// Path is the file that holds the key; empty when it came from the environment.
	Path string
}

// LoadAdminKey takes the admin key from setting (POSTRIDER_ADMIN_KEY) or, when that is empty, from <dir>/admin-key,
// which is made with mode 0600 when it does not exist.
func LoadAdminKey(setting, dir string) (AdminKey, error) {
	if setting != "" {
		return adminKey(setting, AdminKey{})
	}
	path := filepath.Join(dir, adminKeyFile)
	text, err := readOrMakeKey(path)
	if err != nil {
		return AdminKey{}, fmt.Errorf("admin key: %w", err)
	}
	key, err := adminKey(text, AdminKey{Path: path})
	if err != nil {
		return AdminKey{}, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// readOrMakeKey returns the key in a file. If there is no file, it makes one with a new key.
func readOrMakeKey(path string) (string, error) {
	text, err := seal.ReadPrivate(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	text = NewKey()
	return text, seal.WritePrivate(path, text+"\n")
}

func adminKey(text string, key AdminKey) (AdminKey, error) {
	if len(text) < minAdminBytes || len(text) > maxAdminBytes || strings.TrimSpace(text) != text {
		return AdminKey{}, ErrAdminKey
	}
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return AdminKey{}, ErrAdminKey
		}
	}
	key.Hash = HashKey(text)
	return key, nil
}
