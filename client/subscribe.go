package client

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// Earliest is for Start: the stream begins with the first stored event.
const Earliest = "earliest"

// Event is a stored event with its payload as a message.
type Event[M proto.Message] struct {
	*postriderv1.Event
	Message M
	// Filters has the names of the filters (NamedFilter) that select the event; empty if the stream has none.
	Filters []string
}

// SubscribeOption configures a stream.
type SubscribeOption func(*follower)

// Start sets where a stream begins: after a cursor, with Earliest, or at a time in RFC 3339. Without it, or with an empty
// text, the stream begins now. To miss nothing across restarts, store the cursor of the last event that you have handled.
func Start(at string) SubscribeOption { return func(f *follower) { f.request.Start = at } }

// Types selects event types: exact, by prefix ("shop.v1.*") or all ("*"). An empty list is an error that ends the stream at
// once; it does not mean all.
func Types(patterns ...string) SubscribeOption {
	// Nil means that the option was not given.
	return func(f *follower) { f.request.Types = append([]string{}, patterns...) }
}

// Expression selects events for which a CEL expression over `event` is true, for example
// `event.data.total.minor_units > 10000`.
func Expression(cel string) SubscribeOption {
	return func(f *follower) { f.request.Expression = cel }
}

// NamedFilter adds a filter to the stream, instead of Expression. An event is sent once, with the names of all filters that
// select it. An empty expression selects all. Without types, the filter has those of the stream. An empty list of types is an
// error, as with Types.
func NamedFilter(name, expression string, types ...string) SubscribeOption {
	return func(f *follower) {
		f.request.Filters = append(f.request.Filters, &postriderv1.NamedFilter{Name: name, Expression: expression, Types: types})
	}
}

// WhenSlow sets what happens when events arrive faster than the loop handles them. By default, each event stays in the log of
// the server until the loop reads it.
func WhenSlow(policy postriderv1.SlowPolicy) SubscribeOption {
	return func(f *follower) { f.request.SlowPolicy = policy }
}

// Heartbeat is the longest silence of a stream without events, 100 ms to 5 min; the default is 15 s. A stream that is silent
// for three times as long reconnects.
func Heartbeat(every time.Duration) SubscribeOption {
	return func(f *follower) { f.request.HeartbeatInterval = durationpb.New(every) }
}

// Progress sets a function that is called with the position of a stream without events, after all earlier events have been
// handled. A program that stores cursors should store this one too; otherwise the cursor of a rare event may become older
// than the server's retention.
func Progress(reached func(cursor string)) SubscribeOption {
	return func(f *follower) { f.progress = reached }
}

// Subscribe streams the events of M's type in order: those stored after Start, then live ones. It reconnects as often as
// necessary and resumes from the last cursor.
//
// A *GapError, a *DroppedError or a *PayloadError represents events that cannot be delivered; the stream continues if the
// loop does. Any other error is the last: the server refused in a way that a retry would not change, or ctx ended.
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

// Events streams events of any types, all without the option Types. Message is of the generated type, for a type switch. It
// is nil if this program has no such type, and for untyped events, whose text is in JsonData or InvalidData. Otherwise Events
// works like Subscribe.
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
