// Package target is the interface between the delivery engine and the destinations of events. A target knows nothing of
// subscriptions, retries or the log: it sends one event, or several (Batcher), and returns the outcome. It may hold a connection until Close. Each target type is a
// package below this one and one line in server/targets.go. Each must pass the suite in targettest.
package target

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Target is one place events go to, ready to send. It is safe for concurrent use. It may hold a connection from one attempt to the next,
// and lives as long as the revision of the subscription it was made for.
type Target interface {
	// Send makes one attempt to deliver m and returns what it means. at is the time of the attempt. It returns within
	// the target's timeout and soon after ctx ends. The outcome is of kind gateway.OutcomeNone if and only if ctx ended
	// the attempt: then nothing is known of the endpoint, and the event may or may not have arrived; or, with NoSocket, when
	// nothing was sent for lack of a socket. Its Sent says what was transmitted, secret values hidden; the body is m's document.
	Send(ctx context.Context, m *Message, at time.Time) gateway.Outcome
	// Close releases what the target holds. It does not block. It is called once, when no attempt is under way and none will follow.
	Close()
}

// Batcher is a Target that takes several events at once.
type Batcher interface {
	Target
	// SendBatch makes one attempt for each item, in their order, and returns their outcomes in the same order. Each outcome is as
	// Send's. It returns when all attempts have ended: within the target's timeout, and soon after ctx ends.
	SendBatch(ctx context.Context, items []Item) []gateway.Outcome
}

// Item is one event of a batch.
type Item struct {
	Message *Message
	// At is the time of the attempt.
	At time.Time
}

// Spec is what a target is made of.
type Spec struct {
	// Config is the text of the type's configuration message as JSON, secret values included.
	Config []byte
	// Secret is the signing secret, "whsec_…".
	Secret string
	// Timeout bounds one attempt.
	Timeout time.Duration
}

// Type makes targets of one type. Configurations are JSON texts of the type's message in proto/postrider/target.
type Type interface {
	// Name is the name of the type's field in the target of a subscription, such as "webhook". The field of its configuration that has
	// the address is named url, or urls for several: a hidden secret that is sent back is kept for the same addresses only.
	Name() string
	// Check reports whether config may be stored. It may look names up, but sends nothing. The error is a *gateway.Error
	// that names the field; path is the configuration's own place in the request, such as
	// "subscription.target.webhook".
	Check(ctx context.Context, path string, config []byte) error
	// New makes a target from a configuration that Check has passed. It does no I/O.
	New(spec Spec) (Target, error)
}

// Registry is the list of types.
type Registry struct{ types map[string]Type }

// NewRegistry makes the list.
func NewRegistry(types ...Type) *Registry {
	r := &Registry{types: make(map[string]Type, len(types))}
	for _, t := range types {
		r.types[t.Name()] = t
	}
	return r
}

// Type returns the type with this name.
func (r *Registry) Type(name string) (Type, error) {
	t, ok := r.types[name]
	if !ok {
		return nil, fmt.Errorf("there is no target type %q", name)
	}
	return t, nil
}

// New makes a target of the named type.
func (r *Registry) New(name string, spec Spec) (Target, error) {
	t, err := r.Type(name)
	if err != nil {
		return nil, err
	}
	return t.New(spec)
}
