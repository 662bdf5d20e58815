package seal

import "encoding/base64"

// Use is a kind of token. Each has a key of its own: a token of one kind cannot be opened as one of another.
type Use string

// The kinds of token. Their texts are what the keys are derived with.
const (
	ForSession Use = "postrider session v1"
	ForTicket  Use = "postrider ticket v1"
)

// SealToken encrypts plain into a text that is safe in a cookie and in an address.
func (r *Keyring) SealToken(use Use, plain []byte) string {
	key := r.keys[0]
	return base64.RawURLEncoding.EncodeToString(encrypt(key.tokens[use], key.id, nil, plain))
}

// OpenToken returns what was sealed into a token. sealed is the token's bytes, which are equal for each way to write its text.
func (r *Keyring) OpenToken(use Use, text string) (plain, sealed []byte, err error) {
	sealed, err = base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, nil, err
	}
	id, err := sealedBy(sealed)
	if err != nil {
		return nil, nil, err
	}
	key, ok := r.find(id)
	if !ok {
		return nil, nil, ErrUnknownKey
	}
	plain, err = decrypt(key.tokens[use], nil, sealed)
	return plain, sealed, err
}
