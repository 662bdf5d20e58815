package gateway

import (
	"bytes"
	"time"
)

// SubscriptionState reports whether a subscription delivers.
type SubscriptionState uint8

// The states. Values are stored.
const (
	SubscriptionNone SubscriptionState = iota
	SubscriptionActive
	// SubscriptionPaused: by a person; holds its place.
	SubscriptionPaused
	// SubscriptionDisabled: by the endpoint (410 Gone); holds its place until it is resumed.
	SubscriptionDisabled
)

// Subscription is a durable, named interest: a filter, a target, a delivery policy, and a cursor in the log.
type Subscription struct {
	ID SubscriptionID
	// UID is the id users see, "sub_…".
	UID         string
	Tenant      TenantID
	Group       GroupID
	Name        string
	Description string
	Filter      Filter
	// TargetType names the target in the list of targets, "webhook".
	TargetType string
	// TargetConfig is the target's own configuration, as JSON of its config message, secret values included.
	// It is sealed at rest.
	TargetConfig []byte
	Policy       Policy
	// Payload is how the target gets payloads: with defaults, or as JSON.
	Payload PayloadFormat
	// Secret is the signing secret, "whsec_…". It is sealed at rest.
	Secret string

	State       SubscriptionState
	StateReason string
	// Hold is what keeps it from delivering although it is active, as it is stored.
	Hold Hold
	// Start is the place `start` stood for at creation, in the incarnation of that time.
	Start Cursor
	// Cursor is its own stored place; nil while it is caught up and shares the mark of its group.
	Cursor *Position

	Revision   int64
	CreateTime time.Time
	UpdateTime time.Time
}

// SameTarget reports whether two states of a subscription send to the same place in the same way.
func (s *Subscription) SameTarget(other *Subscription) bool {
	return s.TargetType == other.TargetType && bytes.Equal(s.TargetConfig, other.TargetConfig)
}

// Place is the position up to which every matching event has a durable row, given the mark that the caught-up
// subscriptions of its group share.
func (s *Subscription) Place(mark Position) Position {
	if s.Cursor != nil {
		return *s.Cursor
	}
	return max(mark, s.Start.Position)
}

// SubscriptionHealth is how deliveries go right now.
type SubscriptionHealth struct {
	// Attempts and Successes are of the last hour, since the start of the server at most.
	Attempts, Successes int64
	// Backlog is how many matching events wait for their first outcome, exact up to BacklogLimit.
	Backlog        int64
	Retrying, Dead int64
	Breaker        BreakerState
	ResumeTime     time.Time
	// Hold is what keeps it from attempts right now.
	Hold            Hold
	LastError       string
	LastSuccessTime time.Time
	// Place is the position up to which every matching event is settled.
	Place Position
	// FilterErrors counts the events on which the filter's expression failed, since the start of the server;
	// LastFilterError is the newest of those failures.
	FilterErrors    int64
	LastFilterError string
}

// BacklogLimit bounds the counting of a backlog; BacklogLimit + 1 stands for "more".
const BacklogLimit = 10_000
