package target

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Message is one event as targets see it. It is shared by every attempt of every subscription and must not be changed
// once one has it.
type Message struct {
	ID      string
	Type    string
	Source  string
	Subject string
	// Time is the event's own.
	Time time.Time
	// Data is the text of a JSON object, exactly as it goes out.
	Data []byte
	// Cursor is the event's place in the log.
	Cursor string

	document atomic.Pointer[document]
}

// document is a message as it goes out.
type document struct {
	text   []byte
	digest gateway.BodyDigest
}

// Document returns the event as the JSON text {"id","type","timestamp","data"}, in that order. It is rendered once and
// must not be changed.
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

// render copies Data as it is: numbers, the order of keys and white space survive.
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

// appendString appends s as a JSON string. Ids and types need no escaping; anything else is left to encoding/json.
func appendString(to []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(to, quoted...)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"')
}
