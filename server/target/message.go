package target

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Message is one event in the form in which targets get it. All attempts of all subscriptions share it, so it must not be
// changed.
type Message struct {
	ID      string
	Type    string
	Source  string
	Subject string
	// Time is the time of the event.
	Time time.Time
	// Data is the payload: the text of a JSON object, exactly as it is sent.
	Data []byte
	// Cursor is the position of the event in the log.
	Cursor string

	document atomic.Pointer[document]
}

// document is the text of a message that is sent.
type document struct {
	text   []byte
	digest gateway.BodyDigest
}

// Document returns the event as the JSON text {"id","type","timestamp","data"}, with the members in that order. It is
// rendered once, and the result must not be changed.
func (m *Message) Document() []byte { return m.rendered().text }

// Digest returns the digest of the document.
func (m *Message) Digest() gateway.BodyDigest { return m.rendered().digest }

func (m *Message) rendered() *document {
	if d := m.document.Load(); d != nil {
		return d
	}
	text := m.render()
	d := &document{text: text, digest: gateway.DigestOf(text)}
	m.document.Store(d)
	return d
}

// render copies Data unchanged, including the spelling of numbers, the order of keys and white space.
func (m *Message) render() []byte {
	const frame = len(`{"id":"","type":"","timestamp":"","data":}`) + len(time.RFC3339Nano)
	text := make([]byte, 0, frame+len(m.ID)+len(m.Type)+len(m.Data))
	text = appendString(append(text, `{"id":`...), m.ID)
	text = appendString(append(text, `,"type":`...), m.Type)
	text = append(text, `,"timestamp":"`...)
	text = m.Time.UTC().AppendFormat(text, time.RFC3339Nano)
	text = append(text, `","data":`...)
	text = append(text, m.Data...)
	return append(text, '}')
}

// appendString appends s as a JSON string. Ids and types need no escapes; encoding/json handles all other strings.
func appendString(to []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // cannot fail for a string
			return append(to, quoted...)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"')
}
