package gateway

import "time"

// Draft is an event as its producer sent it, before the server fills in what is missing.
type Draft struct {
	ID      string
	Type    string
	Source  string
	Subject string
	// Time is nil when the producer sent none.
	Time    *time.Time
	Payload Payload
}

// Payload is an event's data in the form that its producer chose: JSON text, or an encoded Protobuf message. The zero value
// means that there is none.
type Payload struct {
	// JSON is text that should be JSON; it has not been checked.
	JSON []byte
	// Message is the full name of the message that Binary encodes; empty when the payload is JSON.
	Message string
	Binary  []byte
}

// Ack is the acknowledgement of a published event.
type Ack struct {
	ID     string
	Cursor Cursor
	// Duplicate means that the event was stored before. ID and Cursor are those of the stored event.
	Duplicate bool
}
