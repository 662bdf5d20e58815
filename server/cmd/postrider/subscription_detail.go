package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// printSubscription prints one subscription.
func (f *format) printSubscription(w io.Writer, sub *postriderv1.Subscription) error {
	return f.printOne(w, sub, func() error { return describeSubscription(w, sub) })
}

func describeSubscription(w io.Writer, sub *postriderv1.Subscription) error {
	health, policy := sub.GetHealth(), sub.GetPolicy()
	return details(w,
		[2]string{"Name", sub.GetName()},
		[2]string{"ID", sub.GetId()},
		[2]string{"Tenant", sub.GetTenant()},
		[2]string{"Description", sub.GetDescription()},
		[2]string{"State", state(sub)},
		[2]string{"Reason", firstOf(sub.GetStateReason(), health.GetHold().GetReason())},
		[2]string{"Types", typesOf(sub.GetFilter())},
		[2]string{"Expression", sub.GetFilter().GetExpression()},
		[2]string{"Target", placeOf(sub.GetTarget())},
		[2]string{"Start", sub.GetStart()},
		[2]string{"Retries after", retriesAfter(policy)},
		[2]string{"Concurrency", positive(int64(policy.GetConcurrency()))},
		[2]string{"Timeout", timeoutOf(policy)},
		[2]string{"Backlog", strconv.FormatInt(health.GetBacklog(), 10)},
		[2]string{"Retrying", strconv.FormatInt(health.GetRetrying(), 10)},
		[2]string{"Dead", strconv.FormatInt(health.GetDead(), 10)},
		[2]string{"Succeeded", successRate(health)},
		[2]string{"Last success", moment(health.GetLastSuccessTime())},
		[2]string{"Last error", health.GetLastError()},
		[2]string{"Resumes", moment(health.GetResumeTime())},
		[2]string{"Filter errors", positive(health.GetFilterErrors())},
		[2]string{"Last of them", health.GetLastFilterError()},
	)
}

func retriesAfter(policy *postriderv1.DeliveryPolicy) string {
	schedule := make([]time.Duration, len(policy.GetRetrySchedule()))
	for i, wait := range policy.GetRetrySchedule() {
		schedule[i] = wait.AsDuration()
	}
	return waits(schedule)
}

func timeoutOf(policy *postriderv1.DeliveryPolicy) string {
	if policy.GetTimeout() == nil {
		return ""
	}
	return policy.GetTimeout().AsDuration().String()
}

func successRate(health *postriderv1.SubscriptionHealth) string {
	if health.SuccessRate == nil {
		return ""
	}
	return fmt.Sprintf("%.1f %% of %d attempts in the last hour", 100*health.GetSuccessRate(), health.GetAttempts())
}

// positive is a number, nothing for zero.
func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// moment is a time, nothing if it is absent.
func moment(at *timestamppb.Timestamp) string {
	if at == nil {
		return ""
	}
	return local(at)
}
