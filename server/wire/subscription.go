package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

var subscriptionStates = map[gateway.SubscriptionState]postriderv1.SubscriptionState{
	gateway.SubscriptionActive:   postriderv1.SubscriptionState_SUBSCRIPTION_STATE_ACTIVE,
	gateway.SubscriptionPaused:   postriderv1.SubscriptionState_SUBSCRIPTION_STATE_PAUSED,
	gateway.SubscriptionDisabled: postriderv1.SubscriptionState_SUBSCRIPTION_STATE_DISABLED,
}

var breakerStates = map[gateway.BreakerState]postriderv1.BreakerState{
	gateway.BreakerClosed:  postriderv1.BreakerState_BREAKER_STATE_CLOSED,
	gateway.BreakerOpen:    postriderv1.BreakerState_BREAKER_STATE_OPEN,
	gateway.BreakerHolding: postriderv1.BreakerState_BREAKER_STATE_HOLDING,
}

var holdKinds = map[gateway.HoldKind]postriderv1.SubscriptionHoldKind{
	gateway.HoldSlowDown: postriderv1.SubscriptionHoldKind_SUBSCRIPTION_HOLD_KIND_SLOW_DOWN,
	gateway.HoldFilter:   postriderv1.SubscriptionHoldKind_SUBSCRIPTION_HOLD_KIND_FILTER,
}

var failureKinds = map[gateway.FailureKind]postriderv1.AttemptFailureKind{
	gateway.FailureRefused:           postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_REFUSED,
	gateway.FailureServer:            postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_SERVER_ERROR,
	gateway.FailureGone:              postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_GONE,
	gateway.FailureTimeout:           postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_TIMEOUT,
	gateway.FailureConnectionRefused: postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_CONNECTION_REFUSED,
	gateway.FailureConnection:        postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_CONNECTION,
	gateway.FailureDNS:               postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_DNS,
	gateway.FailureTLS:               postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_TLS,
	gateway.FailureNotPermitted:      postriderv1.AttemptFailureKind_ATTEMPT_FAILURE_KIND_NOT_PERMITTED,
}

// filterField is the path of the filter in a create and an update.
const filterField = "subscription.filter"

// NewSubscription converts the subscription of a create request and its start. Fields that only the server sets are ignored.
// The secret is as given, empty if the server should generate one. An error is a *gateway.Error that names the field below
// "subscription".
func NewSubscription(from *postriderv1.Subscription) (*gateway.Subscription, gateway.Start, error) {
	if from.GetName() == "" {
		return nil, gateway.Start{}, gateway.FieldError("subscription.name", "is required")
	}
	if err := gateway.CheckName("subscription.name", from.GetName()); err != nil {
		return nil, gateway.Start{}, err
	}
	start, err := gateway.ParseStart("subscription.start", from.GetStart())
	if err != nil {
		return nil, gateway.Start{}, err
	}
	filter, err := ReadFilter(filterField, from.GetFilter())
	if err != nil {
		return nil, gateway.Start{}, err
	}
	kind, config, err := NewTarget(from.GetTarget(), nil)
	if err != nil {
		return nil, gateway.Start{}, err
	}
	return &gateway.Subscription{
		Name: from.GetName(), Description: from.GetDescription(), Secret: from.GetSecret(),
		Filter: filter, TargetType: kind, TargetConfig: config, Policy: newPolicy(from.GetPolicy()),
		Payload: gateway.PayloadFormat(from.GetPayloadFormat()),
	}, start, nil
}

// SubscriptionContext has what a subscription message contains besides the subscription.
type SubscriptionContext struct {
	// Tenant is the tenant's name.
	Tenant string
	// Health is nil if it is unknown.
	Health *gateway.SubscriptionHealth
	// Cursor converts a position to its cursor.
	Cursor func(gateway.Position) gateway.Cursor
}

// Subscription converts a subscription, without its secret and with hidden values of secret headers.
func Subscription(sub *gateway.Subscription, with SubscriptionContext) (*postriderv1.Subscription, error) {
	target, err := Target(sub.TargetType, sub.TargetConfig)
	if err != nil {
		return nil, err
	}
	shown := &postriderv1.Subscription{
		Id: sub.UID, Tenant: with.Tenant, Name: sub.Name, Description: sub.Description,
		Filter: Filter(sub.Filter), Target: target, Policy: policy(sub.Policy),
		PayloadFormat: postriderv1.PayloadFormat(sub.Payload),
		State:         subscriptionStates[sub.State], StateReason: printable(sub.StateReason),
		StartCursor: sub.Start.String(), Revision: sub.Revision,
		CreateTime: timestamp(sub.CreateTime), UpdateTime: timestamp(sub.UpdateTime),
	}
	if with.Health != nil {
		shown.Health = health(with.Health)
		shown.Cursor = with.Cursor(with.Health.Place).String()
	}
	return shown, nil
}

func health(h *gateway.SubscriptionHealth) *postriderv1.SubscriptionHealth {
	shown := &postriderv1.SubscriptionHealth{
		Attempts: h.Attempts, Backlog: h.Backlog, Retrying: h.Retrying, Dead: h.Dead,
		Breaker: breakerStates[h.Breaker], ResumeTime: timestamp(h.ResumeTime),
		LastError: printable(h.LastError), LastSuccessTime: timestamp(h.LastSuccessTime),
		FilterErrors: h.FilterErrors, LastFilterError: printable(h.LastFilterError),
		Hold: hold(h.Hold), LastFailure: failure(h.LastFailure), FailingSinceTime: timestamp(h.FailingSince),
		FailuresSince: h.FailuresSince, RecentAttempts: h.RecentAttempts, RecentFailures: h.RecentFailures,
	}
	if h.Attempts > 0 {
		rate := float64(h.Successes) / float64(h.Attempts)
		shown.SuccessRate = &rate
	}
	return shown
}

// failure converts a failure; nil for none.
func failure(f gateway.Failure) *postriderv1.AttemptFailure {
	if f.Time.IsZero() {
		return nil
	}
	return &postriderv1.AttemptFailure{
		Kind: failureKinds[f.Kind], StatusCode: int32(f.Status), Error: printable(f.Error), Time: timestamp(f.Time),
	}
}

// hold converts a hold; nil for none.
func hold(h gateway.Hold) *postriderv1.SubscriptionHold {
	if h.Kind == gateway.HoldNone {
		return nil
	}
	return &postriderv1.SubscriptionHold{Kind: holdKinds[h.Kind], Reason: printable(h.Reason), UntilTime: timestamp(h.Until)}
}

func newPolicy(from *postriderv1.DeliveryPolicy) gateway.Policy {
	return gateway.Policy{
		RetrySchedule: newSchedule(from.GetRetrySchedule()),
		Concurrency:   int(from.GetConcurrency()),
		Timeout:       from.GetTimeout().AsDuration(),
	}
}

func newSchedule(from []*durationpb.Duration) []time.Duration {
	var waits []time.Duration
	for _, wait := range from {
		waits = append(waits, wait.AsDuration())
	}
	return waits
}

func policy(p gateway.Policy) *postriderv1.DeliveryPolicy {
	shown := &postriderv1.DeliveryPolicy{Concurrency: int32(p.Concurrency), Timeout: duration(p.Timeout)}
	for _, wait := range p.RetrySchedule {
		shown.RetrySchedule = append(shown.RetrySchedule, durationpb.New(wait))
	}
	return shown
}
