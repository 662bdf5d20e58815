package gateway

import "time"

// Draft is an event as its producer gave it, before the server fills in what is missing.
type Draft struct {
	ID      string
	Type    string
	Source  string
	Subject string
	// Time is nil when the producer gave none.
	Time    *time.Time
	Payload Payload
}

// Payload is an event's data in the one form its producer chose: JSON text, or an encoded Protobuf message. The zero
// value means that there is none.
type Payload struct {
	// JSON is the text of a JSON value; nothing of it has been checked.
	JSON []byte
	// Message is the full name of the message that Binary encodes; empty when the payload is JSON.
	Message string
	Binary  []byte
}

// Ack is the answer to a published event.
type Ack struct {
	ID     string
	Cursor Cursor
	// Duplicate means that the event was stored before; ID and Cursor are those of the first time.
	Duplicate bool
}
