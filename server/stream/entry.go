package stream

import (
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Entry is an entry in the list of open streams: the identity of a stream and its progress.
type Entry struct {
	// ID is sent to the client with the first message. It is empty for a stream that is not listed.
	ID string
	// Expires is when the stream ends unless it is renewed, as sent with the first message; zero for never.
	Expires time.Time
	// Caller is the same for all streams of one caller. Streams without a caller count as one caller.
	Caller string

	// over counts the events on which a filter exceeded its budget. It is kept when the filter of the stream changes.
	over filter.Overruns

	Progress
}

// Progress is the progress of a stream. Only the stream writes it; any goroutine may read it.
type Progress struct {
	reached, sent, dropped atomic.Int64
	live, idle             atomic.Bool
}

// Reached returns the position up to which every matching event was sent, or dropped by the stream's policy.
func (p *Progress) Reached() gateway.Position { return gateway.Position(p.reached.Load()) }

// Sent returns the number of events that were sent.
func (p *Progress) Sent() int64 { return p.sent.Load() }

// Dropped returns the number of matching events that were dropped because the reader was too slow.
func (p *Progress) Dropped() int64 { return p.dropped.Load() }

// Idle reports whether all stored events that match were sent. The position of Reached may still be lower than the head: it
// moves over events that do not match only with the next heartbeat.
func (p *Progress) Idle() bool { return p.idle.Load() }

// Live reports whether the stream has reached the end of the log and sends new events.
func (p *Progress) Live() bool { return p.live.Load() }
