package client

import (
	"context"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
)

// Ack says that an event is on the server's disk.
type Ack struct {
	// ID is the event's id.
	ID string
	// Cursor is its place in the log; a stream that starts there begins with the next event.
	Cursor string
	// Duplicate says that it had been stored before, by an earlier attempt of the same call maybe.
	Duplicate bool
}

// Publish stores a message as an event of its type. It repeats what may help, under the same event id, until the deadline
// of ctx, or DefaultAttempts times where it has none: an attempt whose outcome is unknown is not stored twice. Only what the
// server itself refuses ends it earlier; an answer of a proxy is waited out. An error is that of the last attempt or of ctx;
// whether the event was stored is then unknown if connect.CodeOf says unavailable, deadline_exceeded or canceled. To publish it again later without
// storing it twice, choose the id yourself (ID, NewID).
func (c *Client) Publish(ctx context.Context, message proto.Message, options ...EventOption) (Ack, error) {
	event, err := NewEvent(message, options...)
	if err != nil {
		return Ack{}, err
	}
	return c.PublishEvent(ctx, event)
}

// PublishEvent is Publish for an event that was made before. An event without an id is given one, so that publishing the
// same event again after an error is safe.
func (c *Client) PublishEvent(ctx context.Context, event *postriderv1.Event) (Ack, error) {
	identify(event)
	if err := encodable(event); err != nil {
		return Ack{}, err
	}
	request := &postriderv1.PublishRequest{Tenant: c.tenant, Event: event}
	return retry(ctx, c, func(ctx context.Context) (Ack, error) {
		authorized, err := newRequest(ctx, c, request)
		if err != nil {
			return Ack{}, err
		}
		response, err := c.events.Publish(ctx, authorized)
		if err != nil {
			return Ack{}, err
		}
		return ackOf(event, response.Msg)
	})
}

// PublishBatch stores up to 1,000 events in order, all or none, and repeats as Publish does. An error of the server names
// the index of the event at fault. Acks are in the order of the events.
func (c *Client) PublishBatch(ctx context.Context, events ...*postriderv1.Event) ([]Ack, error) {
	for _, event := range events {
		identify(event)
		if err := encodable(event); err != nil {
			return nil, err
		}
	}
	request := &postriderv1.PublishBatchRequest{Tenant: c.tenant, Events: events}
	return retry(ctx, c, func(ctx context.Context) ([]Ack, error) {
		authorized, err := newRequest(ctx, c, request)
		if err != nil {
			return nil, err
		}
		response, err := c.events.PublishBatch(ctx, authorized)
		if err != nil {
			return nil, err
		}
		return acksOf(events, response.Msg.GetResults())
	})
}

// encodable reports what of an event cannot be sent, which no repeat would mend.
func encodable(event *postriderv1.Event) error {
	if _, err := proto.Marshal(event); err != nil {
		return mistake("event %s cannot be encoded: %v", event.GetId(), err)
	}
	return nil
}

func acksOf(events []*postriderv1.Event, from []*postriderv1.PublishResponse) ([]Ack, error) {
	if len(from) != len(events) {
		return nil, errForeign
	}
	acks := make([]Ack, len(from))
	for i, one := range from {
		var err error
		if acks[i], err = ackOf(events[i], one); err != nil {
			return nil, err
		}
	}
	return acks, nil
}

// ackOf reads the acknowledgement of an event. An answer that names another event, or no place in the log, is not the server's.
func ackOf(event *postriderv1.Event, from *postriderv1.PublishResponse) (Ack, error) {
	if from.GetId() != event.GetId() || from.GetCursor() == "" {
		return Ack{}, errForeign
	}
	return Ack{ID: from.GetId(), Cursor: from.GetCursor(), Duplicate: from.GetDuplicate()}, nil
}
