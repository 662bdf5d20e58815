package client

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// EventType returns the event type of a message: the name in its option (postrider.v1.event), or its full name. The message
// may be a nil pointer.
func EventType(message proto.Message) string {
	return eventType(message.ProtoReflect().Descriptor())
}

func eventType(message protoreflect.MessageDescriptor) string {
	option, _ := proto.GetExtension(message.Options(), postriderv1.E_Event).(*postriderv1.EventOption)
	if option.GetType() != "" {
		return option.GetType()
	}
	return string(message.FullName())
}

// EventOption sets an attribute of a new event.
type EventOption func(*postriderv1.Event)

// ID sets the event's id. The default is a new id (NewID). Publishing under the id of a stored event stores nothing: the same
// content is acknowledged as a duplicate, other content is refused with code already_exists.
func ID(id string) EventOption { return func(e *postriderv1.Event) { e.Id = id } }

// Type publishes the message under another event type.
func Type(name string) EventOption { return func(e *postriderv1.Event) { e.Type = name } }

// Source sets where the event happened, as a URI reference.
func Source(source string) EventOption { return func(e *postriderv1.Event) { e.Source = source } }

// Subject sets what the event is about. Without it, the server reads the subject from the field that the message's option
// names.
func Subject(subject string) EventOption { return func(e *postriderv1.Event) { e.Subject = subject } }

// Time sets when the event happened. The default is the time of receipt.
func Time(at time.Time) EventOption {
	return func(e *postriderv1.Event) { e.Time = timestamppb.New(at) }
}

// NewEvent returns an event with a message and an id, for PublishEvent and PublishBatch.
func NewEvent(message proto.Message, options ...EventOption) (*postriderv1.Event, error) {
	if message == nil || !message.ProtoReflect().IsValid() {
		return nil, errors.New("an event's message is nil")
	}
	payload, err := anypb.New(message)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", message.ProtoReflect().Descriptor().FullName(), err)
	}
	event := &postriderv1.Event{
		Type:    EventType(message),
		Payload: &postriderv1.Event_ProtoData{ProtoData: payload},
	}
	for _, option := range options {
		option(event)
	}
	identify(event)
	return event, nil
}

// NewUntypedEvent returns an event with the text of a JSON object, for types without a schema or without generated code. The
// text is sent unchanged.
func NewUntypedEvent(eventType, data string, options ...EventOption) *postriderv1.Event {
	event := &postriderv1.Event{Type: eventType, Payload: &postriderv1.Event_JsonData{JsonData: data}}
	for _, option := range options {
		option(event)
	}
	identify(event)
	return event
}

// identify sets an event's id if it has none; without an id, a repeat would be another event.
func identify(event *postriderv1.Event) {
	if event.GetId() == "" {
		event.Id = NewID()
	}
}
