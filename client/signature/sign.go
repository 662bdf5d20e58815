package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strconv"
	"sync"
	"time"
)

// The names of the headers, in the form net/http writes.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	version = "v1,"
	// digestBytes is the length of one signature in base64.
	digestBytes = (sha256.Size + 2) / 3 * 4
)

// Signer signs with one or more secrets. Two secrets let receivers switch from one to the other. Signer keeps the keyed state
// of each, so a signature costs two hashes and one allocation. It is safe for concurrent use.
type Signer struct {
	secrets []Secret
	pool    sync.Pool
}

// signing is the state of one call of Sign.
type signing struct {
	macs    []hash.Hash
	prefix  []byte
	digest  [sha256.Size]byte
	headers []byte
}

// NewSigner returns a Signer. Receivers accept any one of the signatures.
func NewSigner(secrets ...Secret) *Signer {
	s := &Signer{secrets: secrets}
	s.pool.New = func() any { return newSigning(secrets) }
	return s
}

func newSigning(secrets []Secret) *signing {
	w := &signing{macs: make([]hash.Hash, len(secrets))}
	for i, secret := range secrets {
		w.macs[i] = hmac.New(sha256.New, secret.key)
	}
	return w
}

// Sign returns the value of the webhook-signature header: "v1," and the base64 of HMAC-SHA256 over
// "<id>.<unix seconds>.<body>", once per secret, separated by spaces.
func (s *Signer) Sign(id string, timestamp time.Time, body []byte) string {
	w := s.pool.Get().(*signing)
	defer s.pool.Put(w)
	w.prefix = appendPrefix(w.prefix[:0], id, timestamp)
	w.headers = w.headers[:0]
	for i, mac := range w.macs {
		if i > 0 {
			w.headers = append(w.headers, ' ')
		}
		w.headers = append(w.headers, version...)
		w.headers = base64.StdEncoding.AppendEncode(w.headers, sum(mac, w.digest[:0], w.prefix, body))
	}
	return string(w.headers)
}

// appendPrefix appends the signed text before the body.
func appendPrefix(to []byte, id string, timestamp time.Time) []byte {
	to = append(to, id...)
	to = append(to, '.')
	to = strconv.AppendInt(to, timestamp.Unix(), 10)
	return append(to, '.')
}

func sum(mac hash.Hash, to, prefix, body []byte) []byte {
	mac.Reset()
	_, _ = mac.Write(prefix) // a hash never fails
	_, _ = mac.Write(body)
	return mac.Sum(to)
}
