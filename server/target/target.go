// Package target is the interface between the delivery engine and the destinations of events. A target knows nothing of
// subscriptions, retries or the log: it sends one event, or several (Batcher), and returns the outcome. It may hold a
// connection until Close. Each target type is a package below this one and one line in server/targets.go, and must pass the
// suite in targettest.
package target

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Target is one destination, ready to send. It is safe for concurrent use. It may hold a connection from one attempt to the
// next. It is used as long as the revision of the subscription for which it was made.
type Target interface {
	// Send makes one attempt to deliver m and returns the outcome. at is the time of the attempt. Send returns within the
	// target's timeout, and soon after ctx ends.
	//
	// The outcome is of kind gateway.OutcomeNone in two cases only. If ctx ended the attempt, nothing is known of the
	// endpoint, and the event may or may not have arrived. With NoSocket, nothing was sent because no socket or connection was free. Sent
	// describes what was transmitted, with secret values hidden; the body is m's document.
	Send(ctx context.Context, m *Message, at time.Time) gateway.Outcome
	// Close releases what the target holds, and does not block. It is called once, when no attempt is under way and none
	// will follow.
	Close()
}

// Batcher is a Target that can send several events at once.
type Batcher interface {
	Target
	// SendBatch makes one attempt for each item, in order, and returns the outcomes in the same order. Each outcome is like
	// Send's. SendBatch returns when all attempts have ended: within the target's timeout, and soon after ctx ends.
	SendBatch(ctx context.Context, items []Item) []gateway.Outcome
}

// Item is one event of a batch.
type Item struct {
	Message *Message
	// At is the time of the attempt.
	At time.Time
}

// Spec is the specification from which a target is made.
type Spec struct {
	// Tenant owns the events.
	Tenant gateway.TenantID
	// Config is the type's configuration message as JSON, with its secret values.
	Config []byte
	// Secret is the signing secret, "whsec_…".
	Secret string
	// Timeout bounds one attempt.
	Timeout time.Duration
}

// Type makes targets of one type. Configurations are JSON texts of the type's message in proto/postrider/target.
type Type interface {
	// Name returns the name of the type's field in the target of a subscription, such as "webhook". In its configuration the
	// field with the address must be named url, or urls for several: a hidden secret that is sent back is kept only for the
	// same addresses.
	Name() string
	// Check returns an error unless config may be stored. It may resolve names, but sends nothing. The error is a
	// *gateway.Error that names the field; path is the path of the configuration in the request, such as
	// "subscription.target.webhook".
	Check(ctx context.Context, path string, config []byte) error
	// New makes a target from a configuration that passed Check. It does no I/O.
	New(spec Spec) (Target, error)
}

// Registry holds the target types.
type Registry struct{ types map[string]Type }

// NewRegistry returns a registry of these types.
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
