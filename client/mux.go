package client

import (
	"context"
	"errors"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// Mux passes the events of one stream to a function per type. The zero value is ready to use. Add functions before Run.
type Mux struct {
	// Undeliverable is called for a *GapError, a *DroppedError or a *PayloadError. If it returns nil, the stream continues
	// with the next event; an error ends Run. Without this function they end Run.
	Undeliverable func(ctx context.Context, err error) error

	handlers map[string]handler
}

type handler func(ctx context.Context, event *postriderv1.Event) error

// On registers handle for events of M's type. A second function for a type panics.
func On[M proto.Message](mux *Mux, handle func(ctx context.Context, message M, event *postriderv1.Event) error) {
	var zero M
	name := EventType(zero)
	if _, taken := mux.handlers[name]; taken {
		panic("client: two functions for " + name)
	}
	if mux.handlers == nil {
		mux.handlers = map[string]handler{}
	}
	mux.handlers[name] = func(ctx context.Context, event *postriderv1.Event) error {
		message, err := decode(event, zero)
		if err != nil {
			return err
		}
		return handle(ctx, message.(M), event)
	}
}

// Run subscribes to the types that have a function and calls the functions one after another, in the order of the log. It
// returns the error of a function, of ctx, or the one that ended the stream (see Subscribe); never nil.
func (m *Mux) Run(ctx context.Context, c *Client, options ...SubscribeOption) (err error) {
	if len(m.handlers) == 0 {
		return errors.New("no type has a function")
	}
	options = append([]SubscribeOption{Types(slices.Sorted(maps.Keys(m.handlers))...)}, options...)
	newFollower(c, options).run(ctx, func(event *postriderv1.Event, _ []string, streamed error) bool {
		err = streamed
		if handle, ok := m.handlers[event.GetType()]; ok && err == nil {
			err = handle(ctx, event)
		}
		if m.Undeliverable != nil && undeliverable(err) {
			err = m.Undeliverable(ctx, err)
		}
		return err == nil
	})
	return err
}

func undeliverable(err error) bool {
	var gap *GapError
	var dropped *DroppedError
	var payload *PayloadError
	return errors.As(err, &gap) || errors.As(err, &dropped) || errors.As(err, &payload)
}
