package stream

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// MaxFilters is how many filters a stream may have.
const MaxFilters = 32

// Filter is one of the filters of a stream.
type Filter struct {
	// Name tells the reader which filter selected an event; empty for the only one of a stream that asked for no names.
	Name string
	gateway.Filter
}

// Request is what a stream is to carry.
type Request struct {
	Tenant *gateway.Tenant
	// Filters are at most MaxFilters; an event that several select comes once. None select everything.
	Filters []Filter
	Start   gateway.Start
	// SlowPolicy is what happens when the reader is slower than the events.
	SlowPolicy SlowPolicy
	// Heartbeat is the longest silence; DefaultHeartbeat when 0.
	Heartbeat time.Duration
	// Flush is called after a batch of messages, when no more are ready: what a transport has buffered must be written now. Nil
	// for one that buffers nothing.
	Flush func() error
	// Entry is kept up to date by the stream. Nil for a stream of which nobody keeps account.
	Entry *Entry
}

// Message is one message of a stream.
type Message struct {
	gateway.StreamMessage
	// Event is set for gateway.StreamEvent. It is shared and must not be changed.
	Event *gateway.Event
	// Filters names the filters that select the event, in the order of the request; nil where they have no names. It is
	// shared and must not be changed.
	Filters []string

	// tenant is the name of the event's tenant.
	tenant string
	// content is the event's where it is shared with others; nil where it is not.
	content *content
}

// Frame returns what an encoding makes of the event. It may be shared and must not be changed.
func (m *Message) Frame(e *Encoding) ([]byte, error) {
	if m.content == nil {
		return e.encode(m.Event, m.tenant)
	}
	return m.content.frame(e, m.tenant)
}
