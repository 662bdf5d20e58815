package stream

import (
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// MaxFilters is the maximum number of filters of a stream.
const MaxFilters = 32

// Filter is one of the filters of a stream.
type Filter struct {
	// Name identifies the filter in messages. It is empty for the only filter of a stream without names.
	Name string
	gateway.Filter
}

// Request describes a stream.
type Request struct {
	Tenant *gateway.Tenant
	// Filters are at most MaxFilters. An event that several of them select is sent once. Without filters every event is
	// selected.
	Filters []Filter
	Start   gateway.Start
	// SlowPolicy applies when the reader is slower than the events.
	SlowPolicy SlowPolicy
	// Heartbeat is the longest time without a message; DefaultHeartbeat when 0.
	Heartbeat time.Duration
	// Flush is called after a batch of messages, when no more are ready. The transport must write what it has buffered. It
	// is nil for a transport that does not buffer.
	Flush func() error
	// Entry is updated by the stream. It may be nil.
	Entry *Entry
}

// Message is one message of a stream.
type Message struct {
	gateway.StreamMessage
	// Event is set for gateway.StreamEvent. It is shared and must not be changed.
	Event *gateway.Event
	// Filters holds the names of the filters that select the event, in the order of the request; nil if they have no names.
	// It is shared and must not be changed.
	Filters []string

	// tenant is the name of the event's tenant.
	tenant string
	// content is the shared content of the event; nil if it is not shared.
	content *content
}

// Frame returns the event in an encoding. It may be shared and must not be changed.
func (m *Message) Frame(e *Encoding) ([]byte, error) {
	if m.content == nil {
		return e.encode(m.Event, m.tenant)
	}
	return m.content.frame(e, m.tenant)
}
