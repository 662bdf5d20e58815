package gateway

import (
	"cmp"
	"slices"
	"time"
)

// StatsCounts holds the counts of a period.
type StatsCounts struct {
	// Published counts events, Delivered deliveries, Failed attempts (whether or not another follows), and Dead deliveries
	// that were given up.
	Published, Delivered, Failed, Dead int64
	// Latency is the time from accepting an event to its delivery.
	Latency Latencies
}

// Add adds the counts of another period.
func (c *StatsCounts) Add(other *StatsCounts) {
	c.Published += other.Published
	c.Delivered += other.Delivered
	c.Failed += other.Failed
	c.Dead += other.Dead
	c.Latency.Merge(&other.Latency)
}

// Remove subtracts counts that were added before.
func (c *StatsCounts) Remove(other *StatsCounts) {
	c.Published -= other.Published
	c.Delivered -= other.Delivered
	c.Failed -= other.Failed
	c.Dead -= other.Dead
	c.Latency.Remove(&other.Latency)
}

// Clone returns a copy that shares nothing.
func (c *StatsCounts) Clone() StatsCounts {
	clone := *c
	clone.Latency = c.Latency.Clone()
	return clone
}

// Empty reports whether nothing happened.
func (c *StatsCounts) Empty() bool { return c.Published+c.Delivered+c.Failed+c.Dead == 0 }

// Attempts returns the number of attempts that ended.
func (c *StatsCounts) Attempts() int64 { return c.Delivered + c.Failed }

// StatsGauges holds the state at one moment.
type StatsGauges struct {
	// Known means that the state was measured.
	Known bool
	// Backlog is the number of events that wait for their first outcome, over all subscriptions. Retrying is the number of
	// deliveries that failed and wait for their next attempt.
	Backlog, Retrying int64
	// Streams is the number of open live streams.
	Streams int64
}

// StatsPoint is one interval of a tenant.
type StatsPoint struct {
	Start time.Time
	StatsCounts
	// Gauges is the state at the end of the interval.
	Gauges StatsGauges
}

// SubscriptionStats holds the statistics of one subscription over a span.
type SubscriptionStats struct {
	ID SubscriptionID
	StatsCounts
	// Backlog is the current backlog.
	Backlog SubscriptionBacklog
}

// SubscriptionBacklog is the current backlog of a subscription.
type SubscriptionBacklog struct {
	// Waiting is the number of events that wait for their first outcome: those that the patterns select or, above
	// BacklogLimit, all of the log.
	Waiting int64
	// Retrying is the number of deliveries that failed and wait for their next attempt.
	Retrying int64
}

// EventTypeStats holds the statistics of one event type over a span.
type EventTypeStats struct {
	Type      string
	Published int64
}

// FailureReason is why attempts failed, as far as statistics distinguish it.
type FailureReason struct {
	Kind FailureKind
	// Status is the status of the response; 0 if there was none.
	Status int
}

// FailureStats holds the failed attempts of one subscription for one reason over a span.
type FailureStats struct {
	Subscription SubscriptionID
	Reason       FailureReason
	Failed       int64
}

// DeliverySettled is an attempt that has ended, or a delivery that was given up without an attempt. Its row is committed.
type DeliverySettled struct {
	Tenant       TenantID
	Subscription SubscriptionID
	// Attempted means that an attempt has ended in success or failure (a slow-down is neither). Delivered means that it
	// succeeded. Dead means that no further attempt follows.
	Attempted, Delivered, Dead bool
	// Reason is why a failed attempt failed.
	Reason FailureReason
	// Latency is the time from accepting the event to its delivery.
	Latency time.Duration
}

// StatsResolutions returns the available lengths of intervals.
func StatsResolutions() []time.Duration {
	return []time.Duration{time.Second, 15 * time.Second, 5 * time.Minute, time.Hour}
}

// Bounds of a span of statistics.
const (
	MaxStatsPoints = 400
	MaxStatsSpan   = 14 * 24 * time.Hour
)

// StatsResolution returns the shortest interval length for which a span has at most MaxStatsPoints intervals.
func StatsResolution(span time.Duration) time.Duration {
	resolutions := StatsResolutions()
	for _, r := range resolutions {
		if span <= MaxStatsPoints*r {
			return r
		}
	}
	return resolutions[len(resolutions)-1]
}

// statsTop is the number of entries of each ranking that are shown.
const statsTop = 20

// TopSubscriptions returns the subscriptions with the most attempts, with the most failures and with the largest backlogs,
// busiest first. It sorts its argument.
func TopSubscriptions(all []SubscriptionStats) []SubscriptionStats {
	ranks := []func(*SubscriptionStats) int64{
		func(s *SubscriptionStats) int64 { return s.Attempts() },
		func(s *SubscriptionStats) int64 { return s.Failed },
		func(s *SubscriptionStats) int64 { return s.Backlog.Waiting + s.Backlog.Retrying },
	}
	picked := map[SubscriptionID]bool{}
	for _, rank := range ranks {
		sortSubscriptions(all, rank)
		for i := range all[:min(len(all), statsTop)] {
			if rank(&all[i]) > 0 {
				picked[all[i].ID] = true
			}
		}
	}
	sortSubscriptions(all, ranks[0])
	return slices.DeleteFunc(all, func(s SubscriptionStats) bool { return !picked[s.ID] })
}

func sortSubscriptions(all []SubscriptionStats, rank func(*SubscriptionStats) int64) {
	slices.SortFunc(all, func(a, b SubscriptionStats) int {
		return cmp.Or(cmp.Compare(rank(&b), rank(&a)), cmp.Compare(a.ID, b.ID))
	})
}

// TopEventTypes returns the event types that were published most, busiest first. It sorts its argument.
func TopEventTypes(all []EventTypeStats) []EventTypeStats {
	slices.SortFunc(all, func(a, b EventTypeStats) int {
		return cmp.Or(cmp.Compare(b.Published, a.Published), cmp.Compare(a.Type, b.Type))
	})
	return all[:min(len(all), statsTop)]
}

// TopFailures returns the most frequent failures, most frequent first. It sorts its argument.
func TopFailures(all []FailureStats) []FailureStats {
	slices.SortFunc(all, func(a, b FailureStats) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(a.Subscription, b.Subscription),
			cmp.Compare(a.Reason.Kind, b.Reason.Kind), cmp.Compare(a.Reason.Status, b.Reason.Status))
	})
	return all[:min(len(all), statsTop)]
}
