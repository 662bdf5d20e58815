package stream

import (
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

// Entry is a stream in the list of those that are open: what it is called, and how far it has come.
type Entry struct {
	// ID is sent to the stream's client with the first message; empty for a stream that is in no list.
	ID string
	// Expires is when the stream ends unless it is renewed, as told with the first message; zero for never.
	Expires time.Time
	// Caller is the same for all streams of one caller; callers that have none count as one.
	Caller string

	// over are the events on which a filter went over its budget. The stream's filter may be another one by now.
	over filter.Overruns

	Progress
}

// Progress is how far a stream has come. The stream writes it, and anybody may read it at any time.
type Progress struct {
	reached, sent, dropped atomic.Int64
	live, idle             atomic.Bool
}

// Reached is the place up to which every matching event was sent, or left out as the stream's policy asks for.
func (p *Progress) Reached() gateway.Position { return gateway.Position(p.reached.Load()) }

// Sent is how many events were sent.
func (p *Progress) Sent() int64 { return p.sent.Load() }

// Dropped is how many matching events were left out because the reader was too slow for them.
func (p *Progress) Dropped() int64 { return p.dropped.Load() }

// Idle says that everything that is stored and matches was sent: the place reached moves on only with the next heartbeat,
// but what lies between is for others.
func (p *Progress) Idle() bool { return p.idle.Load() }

// Live says that the stream has reached the end of the log and carries new events.
func (p *Progress) Live() bool { return p.live.Load() }
