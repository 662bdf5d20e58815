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

// Kind tells messages apart.
type Kind uint8

// The kinds of message.
const (
	// KindBegin is always the first message.
	KindBegin Kind = iota
	KindEvent
	// KindHeartbeat says how far the log has been looked at.
	KindHeartbeat
	// KindGap says that events are missing before the place.
	KindGap
	// KindDropped says that events were left out before the place.
	KindDropped
)

// Message is one message of a stream.
type Message struct {
	Kind Kind
	// Cursor is the position reached: a reader that resumes from it misses nothing and sees nothing twice.
	Cursor gateway.Cursor
	// Event is set for KindEvent. It is shared and must not be changed.
	Event *gateway.Event
	// Filters names the filters that select the event, in the order of the request; nil where they have no names. It is
	// shared and must not be changed.
	Filters []string
	// Gap is what is missing before the next event; with KindBegin and KindGap.
	Gap gateway.Gap
	// Dropped is how many events were left out; with KindDropped.
	Dropped int64
	// Live says that what comes next is new: the stream has reached the end of the log. With KindBegin and KindHeartbeat.
	Live bool
	// Stream and Expires are those of the request's Entry; only with KindBegin.
	Stream  string
	Expires time.Time

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
