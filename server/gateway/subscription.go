package gateway

import (
	"bytes"
	"time"
)

// SubscriptionState is the state of a subscription.
type SubscriptionState uint8

// The states. Values are stored.
const (
	SubscriptionNone SubscriptionState = iota
	SubscriptionActive
	// SubscriptionPaused: paused by a person; keeps its position.
	SubscriptionPaused
	// SubscriptionDisabled: disabled by the endpoint (410 Gone); keeps its position until it is resumed.
	SubscriptionDisabled
)

// Subscription is a durable, named interest: a filter, a target, a delivery policy, and a cursor in the log.
type Subscription struct {
	ID SubscriptionID
	// UID is the id that users see, "sub_…".
	UID         string
	Tenant      TenantID
	Group       GroupID
	Name        string
	Description string
	Filter      Filter
	// TargetType is the name of the target type, such as "webhook".
	TargetType string
	// TargetConfig is the configuration of the target, as JSON of its type's message, with secret values. It is sealed at
	// rest.
	TargetConfig []byte
	Policy       Policy
	// Payload is the format in which the target gets payloads.
	Payload PayloadFormat
	// Secret is the signing secret, "whsec_…". It is sealed at rest.
	Secret string

	State       SubscriptionState
	StateReason string
	// Hold is the stored hold, which stops the attempts of an active subscription.
	Hold Hold
	// Failing is the stored state of the failures since the last success.
	Failing Failing
	// Start is the place that `start` meant at creation, in the incarnation of that time.
	Start Cursor
	// Cursor is the stored position of the subscription; nil while it is caught up and shares the mark of its group.
	Cursor *Position

	Revision   int64
	CreateTime time.Time
	UpdateTime time.Time
}

// SameTarget reports whether two states of a subscription have the same target and configuration.
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

// SubscriptionHealth is the current state of a subscription's deliveries.
type SubscriptionHealth struct {
	// Attempts and Successes are the counts of the last hour, or since the start of the server if that is later.
	Attempts, Successes int64
	// Backlog is the number of matching events that wait for their first outcome, exact up to BacklogLimit.
	Backlog        int64
	Retrying, Dead int64
	Breaker        BreakerState
	ResumeTime     time.Time
	// Hold is the current hold.
	Hold            Hold
	LastError       string
	LastSuccessTime time.Time
	// LastFailure is the newest failure, also if attempts have succeeded since. Its time is zero if there was none.
	LastFailure Failure
	// FailingSince is the time of the first failure since the last success; zero if there was none.
	FailingSince time.Time
	// FailuresSince counts the failures since then, at most since the start of the server.
	FailuresSince int64
	// RecentAttempts counts the newest attempts, at most RecentAttempts and at most since the start of the server.
	// RecentFailures counts the failed ones among them.
	RecentAttempts, RecentFailures int64
	// Place is the position up to which every matching event is settled.
	Place Position
	// FilterErrors counts the events on which the filter's expression failed, since the start of the server;
	// LastFilterError is the newest of those failures.
	FilterErrors    int64
	LastFilterError string
}

// RecentAttempts is the number of the newest attempts that the health of a subscription distinguishes.
const RecentAttempts = 20

// BacklogLimit bounds the count of a backlog; BacklogLimit + 1 means "more".
const BacklogLimit = 10_000
