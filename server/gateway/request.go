package gateway

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// RequestForm is what the requests that a target makes have in common, as it is shown to people: values that are secret are
// hidden in it already. It is kept once for the attempts that used it.
type RequestForm struct {
	Method  string          `json:"method"`
	URL     string          `json:"url"`
	Headers []RequestHeader `json:"headers,omitempty"`

	text   []byte
	digest FormDigest
}

// RequestHeader is one header of a form: with a value that is always the same, or with one that each attempt fills in.
type RequestHeader struct {
	Name  string     `json:"name"`
	Value string     `json:"value,omitempty"`
	Fill  HeaderFill `json:"fill,omitempty"`
}

// HeaderFill is what of an attempt is the value of a header.
type HeaderFill string

// The values that differ from attempt to attempt. Names are stored.
const (
	FillEventID   HeaderFill = "event_id"
	FillTimestamp HeaderFill = "timestamp"
	FillSignature HeaderFill = "signature"
	FillCursor    HeaderFill = "cursor"
)

// FormDigest names a form among those of a subscription.
type FormDigest [8]byte

// NewRequestForm makes a form.
func NewRequestForm(method, url string, headers []RequestHeader) (*RequestForm, error) {
	f := &RequestForm{Method: method, URL: url, Headers: headers}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write request form: %w", err)
	}
	f.describedBy(text)
	return f, nil
}

// ParseRequestForm reads what Text writes.
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

// Text is the form as it is stored. It must not be changed.
func (f *RequestForm) Text() []byte { return f.text }

// Digest names the form.
func (f *RequestForm) Digest() FormDigest { return f.digest }

// BodyDigest is the beginning of the SHA-256 of a body that was sent.
type BodyDigest [8]byte

// DigestOf returns the digest of a body.
func DigestOf(body []byte) BodyDigest {
	sum := sha256.Sum256(body)
	return BodyDigest(sum[:])
}

// Sent is what an attempt transmitted, without the body: the zero value when there was nothing to transmit, or when it was
// not recorded.
type Sent struct {
	// Digest names the form. Form is the form itself, from the target and where an attempt is read to be shown.
	Digest FormDigest
	Form   *RequestForm
	// Transmitted reports whether there was a connection to send to. The other fields are only set when there was.
	Transmitted bool
	BodyBytes   int
	Body        BodyDigest
	// Signature is the value of the header that proves who sent it. It is no secret: the receiver has it, and it holds for
	// this one request.
	Signature string
}

// Recorded reports whether anything is known of the request.
func (s *Sent) Recorded() bool { return s.Digest != FormDigest{} }
