package signature

import (
	"crypto/hmac"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Tolerance is the maximum difference between a webhook's timestamp and the receiver's clock, in both directions. It limits
// how long a recorded webhook can be replayed.
const Tolerance = 5 * time.Minute

// The errors of Verify.
var (
	ErrMissingHeader = errors.New("webhook-id, webhook-timestamp or webhook-signature is missing")
	ErrTimestamp     = errors.New("webhook-timestamp is not a number of seconds")
	ErrTooOld        = errors.New("webhook-timestamp is more than 5 minutes ago")
	ErrTooNew        = errors.New("webhook-timestamp is more than 5 minutes ahead")
	ErrNoMatch       = errors.New("no signature matches")
)

// Verify returns nil if one of the signatures in header was made for body with one of the secrets, and its timestamp is
// within Tolerance of now. body must be the bytes as received, not parsed and encoded again.
func Verify(secrets []Secret, header http.Header, body []byte, now time.Time) error {
	id, timestamp, signatures := header.Get(HeaderID), header.Get(HeaderTimestamp), header.Get(HeaderSignature)
	if id == "" || timestamp == "" || signatures == "" {
		return ErrMissingHeader
	}
	at, err := parseTimestamp(timestamp, now)
	if err != nil {
		return err
	}
	if !anyMatches(secrets, signatures, id, at, body) {
		return ErrNoMatch
	}
	return nil
}

func parseTimestamp(text string, now time.Time) (time.Time, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != text {
		return time.Time{}, ErrTimestamp
	}
	switch { // in seconds, which cannot overflow as a time.Time can
	case seconds < now.Add(-Tolerance).Unix():
		return time.Time{}, ErrTooOld
	case seconds > now.Add(Tolerance).Unix():
		return time.Time{}, ErrTooNew
	}
	return time.Unix(seconds, 0), nil
}

// anyMatches compares in constant time. Signatures of unknown versions are skipped.
func anyMatches(secrets []Secret, signatures, id string, at time.Time, body []byte) bool {
	for _, secret := range secrets {
		if secret.IsZero() {
			continue
		}
		want := []byte(NewSigner(secret).Sign(id, at, body))
		for given := range strings.SplitSeq(signatures, " ") {
			if len(given) == len(version)+digestBytes && hmac.Equal([]byte(given), want) {
				return true
			}
		}
	}
	return false
}
