package gateway

import (
	"cmp"
	"slices"
	"time"
)

// StatsCounts is what happened in a time.
type StatsCounts struct {
	// Published events; Delivered ones; Failed attempts, to be made again or not; Dead deliveries, which were given up.
	Published, Delivered, Failed, Dead int64
	// Latency is from accepting an event to its delivery.
	Latency Latencies
}

// Add adds the counts of another time.
func (c *StatsCounts) Add(other *StatsCounts) {
	c.Published += other.Published
	c.Delivered += other.Delivered
	c.Failed += other.Failed
	c.Dead += other.Dead
	c.Latency.Merge(&other.Latency)
}

// Remove takes away what was added before.
func (c *StatsCounts) Remove(other *StatsCounts) {
	c.Published -= other.Published
	c.Delivered -= other.Delivered
	c.Failed -= other.Failed
	c.Dead -= other.Dead
	c.Latency.Remove(&other.Latency)
}

// Clone returns counts that share nothing.
func (c *StatsCounts) Clone() StatsCounts {
	clone := *c
	clone.Latency = c.Latency.Clone()
	return clone
}

// Empty means that nothing happened.
func (c *StatsCounts) Empty() bool { return c.Published+c.Delivered+c.Failed+c.Dead == 0 }

// Attempts is how many attempts ended.
func (c *StatsCounts) Attempts() int64 { return c.Delivered + c.Failed }

// StatsGauges is how things stood at a moment.
type StatsGauges struct {
	// Known means that somebody looked.
	Known bool
	// Backlog is how many events wait for their first outcome, over all subscriptions; Retrying how many deliveries failed
	// and wait for their next attempt.
	Backlog, Retrying int64
	// Streams is how many live streams are open.
	Streams int64
}

// StatsPoint is one interval of a tenant.
type StatsPoint struct {
	Start time.Time
	StatsCounts
	// Gauges are of the interval's end.
	Gauges StatsGauges
}

// SubscriptionStats is a span of one subscription.
type SubscriptionStats struct {
	ID SubscriptionID
	StatsCounts
	// Backlog is how things stand now.
	Backlog SubscriptionBacklog
}

// SubscriptionBacklog is what waits in a subscription now.
type SubscriptionBacklog struct {
	// Waiting is how many events wait for their first outcome: those the patterns select, or, above BacklogLimit, all those
	// of the log.
	Waiting int64
	// Retrying is how many deliveries failed and wait for their next attempt.
	Retrying int64
}

// EventTypeStats is a span of one event type.
type EventTypeStats struct {
	Type      string
	Published int64
}

// DeliverySettled is an attempt that has ended, or a delivery that was given up without one; its row is committed.
type DeliverySettled struct {
	Tenant       TenantID
	Subscription SubscriptionID
	// Attempted reports that an attempt has ended in success or failure (a slow-down is neither), Delivered that it succeeded,
	// Dead that there will be no other.
	Attempted, Delivered, Dead bool
	// Latency of a delivered one is from accepting the event.
	Latency time.Duration
}

// StatsResolutions are the lengths of intervals that statistics come in.
func StatsResolutions() []time.Duration {
	return []time.Duration{time.Second, 15 * time.Second, 5 * time.Minute, time.Hour}
}

// Bounds of a span of statistics.
const (
	MaxStatsPoints = 400
	MaxStatsSpan   = 14 * 24 * time.Hour
)

// StatsResolution returns the shortest intervals of which a span has at most MaxStatsPoints.
func StatsResolution(span time.Duration) time.Duration {
	resolutions := StatsResolutions()
	for _, r := range resolutions {
		if span <= MaxStatsPoints*r {
			return r
		}
	}
	return resolutions[len(resolutions)-1]
}

// statsTop is how many of each ranking are shown.
const statsTop = 20

// TopSubscriptions picks those with the most attempts, those with the most failures and those with the most that waits,
// and returns them busiest first. It sorts what it is given.
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

// TopEventTypes returns those published most, busiest first. It sorts what it is given.
func TopEventTypes(all []EventTypeStats) []EventTypeStats {
	slices.SortFunc(all, func(a, b EventTypeStats) int {
		return cmp.Or(cmp.Compare(b.Published, a.Published), cmp.Compare(a.Type, b.Type))
	})
	return all[:min(len(all), statsTop)]
}
