package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// RequestForm is the part that the requests of a target have in common, in the form that is shown to people: secret values
// are already hidden. It is stored once for all attempts that used it.
type RequestForm struct {
	Method  string          `json:"method"`
	URL     string          `json:"url"`
	Headers []RequestHeader `json:"headers,omitempty"`

	text   []byte
	digest FormDigest
}

// RequestHeader is one header of a form. Its value is either constant or differs in each attempt.
type RequestHeader struct {
	Name  string     `json:"name"`
	Value string     `json:"value,omitempty"`
	Fill  HeaderFill `json:"fill,omitempty"`
}

// HeaderFill names the value of an attempt that a header contains.
type HeaderFill string

// The values that differ from attempt to attempt. Names are stored.
const (
	FillEventID   HeaderFill = "event_id"
	FillTimestamp HeaderFill = "timestamp"
	FillSignature HeaderFill = "signature"
	FillCursor    HeaderFill = "cursor"
)

// FormDigest identifies a form among those of a subscription.
type FormDigest [8]byte

// NewRequestForm returns a form.
func NewRequestForm(method, url string, headers []RequestHeader) (*RequestForm, error) {
	f := &RequestForm{Method: method, URL: url, Headers: headers}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write request form: %w", err)
	}
	f.describedBy(text)
	return f, nil
}

// ParseRequestForm parses the result of Text.
func ParseRequestForm(text []byte) (*RequestForm, error) {
	f := new(RequestForm)
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("read request form: %w", err)
	}
	f.describedBy(text)
	return f, nil
}

func (f *RequestForm) describedBy(text []byte) {
	sum := sha256.Sum256(text)
	f.text, f.digest = text, FormDigest(sum[:])
}

// Text returns the stored form. It must not be changed.
func (f *RequestForm) Text() []byte { return f.text }

// Digest returns the digest that identifies the form.
func (f *RequestForm) Digest() FormDigest { return f.digest }

// BodyDigest is the beginning of the SHA-256 of a body that was sent.
type BodyDigest [8]byte

// DigestOf returns the digest of a body.
func DigestOf(body []byte) BodyDigest {
	sum := sha256.Sum256(body)
	return BodyDigest(sum[:])
}

// Sent describes what an attempt transmitted, except the body. It is the zero value when there was nothing to transmit, or
// when it was not recorded.
type Sent struct {
	// Digest identifies the form. Form is the form itself; it is set by the target, and when an attempt is read to be shown.
	Digest FormDigest
	Form   *RequestForm
	// Transmitted means that there was a connection to send to. The other fields are set only then.
	Transmitted bool
	BodyBytes   int
	Body        BodyDigest
	// Signature is the value of the header that proves the origin of the request. It is no secret: the receiver has it, and
	// it is valid for this request only.
	Signature string
}

// Recorded reports whether anything is known of the request.
func (s *Sent) Recorded() bool { return s.Digest != FormDigest{} }
