package client

import (
	"context"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// Ack acknowledges that an event is on the server's disk.
type Ack struct {
	// ID is the event's id.
	ID string
	// Cursor is the event's position in the log. A stream that starts there begins with the next event.
	Cursor string
	// Duplicate means that the event was already stored, possibly by an earlier attempt of the same call.
	Duplicate bool
}

// Publish stores a message as an event of its type. It repeats failed attempts under the same event id, so an attempt whose
// outcome is unknown is not stored twice. It repeats until the deadline of ctx, or DefaultAttempts times if there is none.
// Only a refusal by the server itself ends it earlier; responses of proxies are retried.
//
// The error is that of the last attempt or of ctx. If connect.CodeOf returns unavailable, deadline_exceeded or canceled, it
// is unknown whether the event was stored. To publish it again later without storing it twice, choose the id yourself (ID,
// NewID).
func (c *Client) Publish(ctx context.Context, message proto.Message, options ...EventOption) (Ack, error) {
	event, err := NewEvent(message, options...)
	if err != nil {
		return Ack{}, err
	}
	return c.PublishEvent(ctx, event)
}

// PublishEvent is Publish for an existing event. If the event has no id, PublishEvent sets one, so publishing the same event
// again after an error is safe.
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

// PublishBatch stores up to 1,000 events in order, all or none, and retries as Publish does. An error of the server names the
// index of the event at fault. Acks are in the order of the events.
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

// encodable returns an error for an event that cannot be sent, which no retry would fix.
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

// ackOf returns the acknowledgement of an event. A response that names another event, or no position in the log, is not the
// server's.
func ackOf(event *postriderv1.Event, from *postriderv1.PublishResponse) (Ack, error) {
	if from.GetId() != event.GetId() || from.GetCursor() == "" {
		return Ack{}, errForeign
	}
	return Ack{ID: from.GetId(), Cursor: from.GetCursor(), Duplicate: from.GetDuplicate()}, nil
}
