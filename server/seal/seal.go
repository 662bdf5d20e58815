package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
)

// A sealed value is
//
//	version (1) | key id (8) | nonce (12) | ciphertext | tag (16)
//
// The first two are authenticated with it.
const (
	sealVersion = 1
	keyIDBytes  = 8
	headBytes   = 1 + keyIDBytes
)

type (
	keyID [keyIDBytes]byte
	aead  = cipher.AEAD
)

// What Open finds wrong.
var (
	ErrSealed     = errors.New("the sealed value is damaged, or was sealed for another place")
	ErrUnknownKey = errors.New("the value was sealed with a secret key this server does not have")
)

// Place is where a sealed value is kept. A value cannot be opened in another place, so that nobody who can write to the
// database moves one tenant's secret into another tenant's row.
type Place struct {
	// Column is table and column, such as "subscription.secret".
	Column string
	// Row identifies the row for good.
	Row string
}

// Seal encrypts plain for one place (AES-256-GCM) with the first key of the ring. Equal texts give different values.
func (r *Keyring) Seal(place Place, plain []byte) []byte {
	key := r.keys[0]
	return encrypt(key.seal, key.id, place.bytes(), plain)
}

// Open returns what was sealed for the place, with whichever key of the ring. The error is ErrSealed or ErrUnknownKey.
func (r *Keyring) Open(place Place, sealed []byte) ([]byte, error) {
	id, err := sealedBy(sealed)
	if err != nil {
		return nil, err
	}
	key, ok := r.find(id)
	if !ok {
		return nil, ErrUnknownKey
	}
	return decrypt(key.seal, place.bytes(), sealed)
}

// HeadBytes is how much of a sealed value Knows looks at.
const HeadBytes = headBytes

// Knows reports whether the keyring has the key that sealed the value with this head. A head that is damaged has no key.
func (r *Keyring) Knows(head []byte) bool {
	id, err := sealedBy(head)
	if err != nil {
		return false
	}
	_, ok := r.find(id)
	return ok
}

// bytes is unambiguous: the column's length goes before it.
func (p Place) bytes() []byte {
	b := binary.AppendUvarint(nil, uint64(len(p.Column)))
	b = append(b, p.Column...)
	return append(b, p.Row...)
}

func sealedBy(sealed []byte) (keyID, error) {
	if len(sealed) < headBytes || sealed[0] != sealVersion {
		return keyID{}, ErrSealed
	}
	return keyID(sealed[1:headBytes]), nil
}

func newAEAD(key []byte) aead {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for a key of the wrong length
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for a block of the wrong length
	}
	return gcm
}

func encrypt(with aead, id keyID, place, plain []byte) []byte {
	head := append([]byte{sealVersion}, id[:]...)
	return with.Seal(head, nil, plain, bind(head, place))
}

func decrypt(with aead, place, sealed []byte) ([]byte, error) {
	plain, err := with.Open(nil, nil, sealed[headBytes:], bind(sealed[:headBytes], place))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// bind makes the associated data.
func bind(head, place []byte) []byte {
	return append(append(make([]byte, 0, len(head)+len(place)), head...), place...)
}
