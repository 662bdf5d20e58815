package client

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/gen/go/postrider/v1"
)

// Earliest is for Start: it begins with the first event there is.
const Earliest = "earliest"

// Event is an event as it was stored, with its payload as a message.
type Event[M proto.Message] struct {
	*postriderv1.Event
	Message M
	// Filters are the names of the filters (NamedFilter) that select the event; none where the stream has none.
	Filters []string
}

// SubscribeOption changes what a stream carries.
type SubscribeOption func(*follower)

// Start says where a stream begins: after a cursor, with Earliest, or at a time in RFC 3339. Without, or with an empty
// text, it begins now. To miss nothing across restarts, keep the cursor of the last event that was dealt with.
func Start(at string) SubscribeOption { return func(f *follower) { f.request.Start = at } }

// Types selects event types: exact, by prefix ("shop.v1.*") or all ("*"). None is a mistake that ends the stream at once: it
// does not mean all.
func Types(patterns ...string) SubscribeOption {
	// Nil stands for an option that was not given.
	return func(f *follower) { f.request.Types = append([]string{}, patterns...) }
}

// Expression selects events for which a CEL expression over `event` is true, for example
// `event.data.total.minor_units > 10000`.
func Expression(cel string) SubscribeOption {
	return func(f *follower) { f.request.Expression = cel }
}

// NamedFilter adds a filter to the stream, in place of Expression: an event comes once, with the names of all filters that
// select it. An empty expression selects all; without types they are those of the stream. A list of types that is empty is a
// mistake, as with Types.
func NamedFilter(name, expression string, types ...string) SubscribeOption {
	return func(f *follower) {
		f.request.Filters = append(f.request.Filters, &postriderv1.NamedFilter{Name: name, Expression: expression, Types: types})
	}
}

// WhenSlow says what becomes of events while the loop is slower than they come. Without, each waits until its turn comes,
// in the log of the server.
func WhenSlow(policy postriderv1.SlowPolicy) SubscribeOption {
	return func(f *follower) { f.request.SlowPolicy = policy }
}

// Heartbeat is the longest silence of a quiet stream, 100 ms to 5 min, 15 s without. A stream that is silent for three
// times as long is opened again.
func Heartbeat(every time.Duration) SubscribeOption {
	return func(f *follower) { f.request.HeartbeatInterval = durationpb.New(every) }
}

// Progress is called with the position a quiet stream has reached, after all events before it have been dealt with. A program
// that stores cursors stores this one too; otherwise the cursor of a rare event may become older than what the server retains.
func Progress(reached func(cursor string)) SubscribeOption {
	return func(f *follower) { f.progress = reached }
}

// Subscribe streams the events of M's type in order: those stored after Start, then live ones. A broken connection is
// opened again, from the last cursor, for as long as it takes.
//
// A *GapError, a *DroppedError or a *PayloadError stands for what cannot be delivered, and the stream goes on if the loop does.
// After any other error there is nothing more: the server refused in a way that a repeat would not change, or ctx ended.
func Subscribe[M proto.Message](ctx context.Context, c *Client, options ...SubscribeOption) iter.Seq2[Event[M], error] {
	var zero M
	options = append([]SubscribeOption{Types(EventType(zero))}, options...)
	return func(yield func(Event[M], error) bool) {
		newFollower(c, options).run(ctx, func(event *postriderv1.Event, filters []string, err error) bool {
			if err != nil {
				return yield(Event[M]{}, err)
			}
			message, err := decode(event, zero)
			if err != nil {
				return yield(Event[M]{Event: event, Filters: filters}, err)
			}
			return yield(Event[M]{event, message.(M), filters}, nil)
		})
	}
}

// Events streams events of any types, all without the option Types. Message is of the generated type, for a type switch;
// it is nil where this program has no such type and for untyped events, whose text is in JsonData or InvalidData.
// Otherwise it is as Subscribe.
func (c *Client) Events(ctx context.Context, options ...SubscribeOption) iter.Seq2[Event[proto.Message], error] {
	return func(yield func(Event[proto.Message], error) bool) {
		newFollower(c, options).run(ctx, func(event *postriderv1.Event, filters []string, err error) bool {
			if err != nil {
				return yield(Event[proto.Message]{}, err)
			}
			message, _ := event.GetProtoData().UnmarshalNew()
			return yield(Event[proto.Message]{event, message, filters}, nil)
		})
	}
}

// decode returns an event's payload as a message of the same type as like, which may be a nil pointer.
func decode(event *postriderv1.Event, like proto.Message) (proto.Message, error) {
	message := like.ProtoReflect().New().Interface()
	var err error
	switch payload := event.GetPayload().(type) {
	case *postriderv1.Event_ProtoData:
		err = payload.ProtoData.UnmarshalTo(message)
	case *postriderv1.Event_JsonData: // stored before the type had a schema
		err = protojson.Unmarshal([]byte(payload.JsonData), message)
	default:
		return nil, &PayloadError{Event: event}
	}
	if err != nil {
		return nil, &PayloadError{Event: event, Cause: err}
	}
	return message, nil
}
