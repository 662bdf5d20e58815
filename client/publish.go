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

// Publish stores a message as an event of its type. It repeats what may help, under the same event id: an attempt whose
// outcome is unknown is not stored twice. An error is that of the last attempt or of ctx; whether the event was stored is
// then unknown if connect.CodeOf says unavailable, deadline_exceeded or canceled. To publish it again later without
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
		return newAck(response.Msg), nil
	})
}

// PublishBatch stores up to 1,000 events in order, all or none, and repeats as Publish does. An error of the server names
// the index of the event at fault. Acks are in the order of the events.
func (c *Client) PublishBatch(ctx context.Context, events ...*postriderv1.Event) ([]Ack, error) {
	for _, event := range events {
		identify(event)
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
		acks := make([]Ack, len(response.Msg.GetResults()))
		for i, result := range response.Msg.GetResults() {
			acks[i] = newAck(result)
		}
		return acks, nil
	})
}

func newAck(from *postriderv1.PublishResponse) Ack {
	return Ack{ID: from.GetId(), Cursor: from.GetCursor(), Duplicate: from.GetDuplicate()}
}
