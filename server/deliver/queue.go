package deliver

import (
	"sync"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// outgoing is an event to be delivered. The router makes one for all lanes that get the event, so that the message is
// rendered once.
type outgoing struct {
	*gateway.Event
	usual, defaults rendering
}

// sentCopies is the number of copies of an event in memory while it is sent: the stored form, the form for targets, and the
// body of a request.
const sentCopies = 3

// bytes returns the memory that an attempt of the event holds.
func (o *outgoing) bytes() int64 { return sentCopies * int64(o.Held()) }

// rendering is an event in the form for targets, with or without the defaults of fields that are not set.
type rendering struct {
	once    sync.Once
	message *target.Message
	err     error
}

// render returns the event as the targets that use a payload format see it.
func (o *outgoing) render(e *Engine, format gateway.PayloadFormat) (*target.Message, error) {
	r := &o.usual
	if format == gateway.PayloadJSONDefaults && o.Schema != 0 {
		r = &o.defaults
	}
	r.once.Do(func() { r.message, r.err = e.message(o.Event, format) })
	return r.message, r.err
}

func (e *Engine) message(event *gateway.Event, format gateway.PayloadFormat) (*target.Message, error) {
	data, err := e.payload(event, format)
	if err != nil {
		return nil, err
	}
	return &target.Message{
		ID: event.ID, Type: event.Type, Source: event.Source, Subject: event.Subject,
		Time: event.Time, Data: data, Cursor: e.store.Cursor(event.Position).String(),
	}, nil
}

// Bounds of the events that a lane keeps in memory. Recent events are shared with the tail.
const (
	queueEvents = 1024
	queueBytes  = 1 << 20
)

// queue holds a lane's next events, in order.
type queue struct {
	events []*outgoing
	head   int
	bytes  int
}

func (q *queue) len() int { return len(q.events) - q.head }

// room returns how many more events can be queued.
func (q *queue) room() int {
	if q.bytes >= queueBytes {
		return 0
	}
	return queueEvents - q.len()
}

// low reports whether more events should be read.
func (q *queue) low() bool { return q.len() < queueEvents/2 && q.bytes < queueBytes/2 }

func (q *queue) push(o *outgoing) {
	q.events = append(q.events, o)
	q.bytes += o.Size()
}

func (q *queue) first() (gateway.Position, bool) {
	if q.len() == 0 {
		return 0, false
	}
	return q.events[q.head].Position, true
}

// pop removes the first event; there must be one.
func (q *queue) pop() *outgoing {
	o := q.events[q.head]
	q.events[q.head] = nil
	q.head++
	q.bytes -= o.Size()
	if q.head == len(q.events) {
		q.events, q.head = q.events[:0], 0
	} else if q.head >= queueEvents {
		n := copy(q.events, q.events[q.head:])
		clear(q.events[n:])
		q.events, q.head = q.events[:n], 0
	}
	return o
}

// drop removes all events.
func (q *queue) drop() { *q = queue{} }
