package stats

import (
	"cmp"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// The numbers of subscriptions, event types and failures that an interval counts separately. Further ones are counted together.
const (
	maxSubscriptions = 500
	maxTypes         = 200
	maxFailures      = 200
)

// The keys under which further subscriptions and types are counted.
const (
	otherSubscriptions gateway.SubscriptionID = 0
	otherTypes                                = ""
)

// failure identifies the failed attempts that are counted together. The zero value stands for further failures.
type failure struct {
	subscription gateway.SubscriptionID
	reason       gateway.FailureReason
}

func compareFailures(a, b failure) int {
	return cmp.Or(cmp.Compare(a.subscription, b.subscription), cmp.Compare(a.reason.Kind, b.reason.Kind),
		cmp.Compare(a.reason.Status, b.reason.Status))
}

// interval has the counts of a tenant for one interval, or for a sum of several.
type interval struct {
	start         time.Time
	total         gateway.StatsCounts
	subscriptions map[gateway.SubscriptionID]*gateway.StatsCounts
	types         map[string]*int64
	// failures is nil until an attempt fails: most intervals have none.
	failures map[failure]*int64
	// gauges are the values at the end.
	gauges gateway.StatsGauges
}

func newInterval(start time.Time) *interval {
	return &interval{
		start: start, subscriptions: map[gateway.SubscriptionID]*gateway.StatsCounts{}, types: map[string]*int64{},
	}
}

// subscription returns the counts of a subscription.
func (i *interval) subscription(id gateway.SubscriptionID) *gateway.StatsCounts {
	counts := i.subscriptions[id]
	if counts == nil && len(i.subscriptions) >= maxSubscriptions {
		id = otherSubscriptions
		counts = i.subscriptions[id]
	}
	if counts == nil {
		counts = &gateway.StatsCounts{}
		i.subscriptions[id] = counts
	}
	return counts
}

// publish counts events of a type.
func (i *interval) publish(name string, n int64) {
	i.total.Published += n
	i.addType(name, n)
}

func (i *interval) addType(name string, n int64) {
	addLimited(i.types, name, n, maxTypes, otherTypes)
}

// fail counts failed attempts.
func (i *interval) fail(of failure, n int64) {
	addLimited(i.countsOfFailures(), of, n, maxFailures, failure{})
}

func (i *interval) countsOfFailures() map[failure]*int64 {
	if i.failures == nil {
		i.failures = map[failure]*int64{}
	}
	return i.failures
}

// addLimited adds to the count of a key, or to that of other if the key is new and there are most keys.
func addLimited[K comparable](counts map[K]*int64, key K, n int64, most int, other K) {
	if counts[key] == nil && len(counts) >= most {
		key = other
	}
	addCount(counts, key, n)
}

func addCount[K comparable](counts map[K]*int64, key K, n int64) {
	count := counts[key]
	if count == nil {
		count = new(int64)
		counts[key] = count
	}
	*count += n
}

func removeCount[K comparable](counts map[K]*int64, key K, n int64) {
	count := counts[key]
	if *count -= n; *count == 0 {
		delete(counts, key)
	}
}

// add adds a later interval. The sum may exceed the limits of an interval.
func (i *interval) add(other *interval) {
	i.total.Add(&other.total)
	for id, counts := range other.subscriptions {
		own := i.subscriptions[id]
		if own == nil {
			own = &gateway.StatsCounts{}
			i.subscriptions[id] = own
		}
		own.Add(counts)
	}
	for name, n := range other.types {
		addCount(i.types, name, *n)
	}
	for of, n := range other.failures {
		addCount(i.countsOfFailures(), of, *n)
	}
	if other.gauges.Known {
		i.gauges = other.gauges
	}
}

// remove subtracts an interval that was added. A subscription or type stays as long as an interval in the sum has it, because no
// interval contains empty counts.
func (i *interval) remove(other *interval) {
	i.total.Remove(&other.total)
	for id, counts := range other.subscriptions {
		own := i.subscriptions[id]
		if own.Remove(counts); own.Empty() {
			delete(i.subscriptions, id)
		}
	}
	for name, n := range other.types {
		removeCount(i.types, name, *n)
	}
	for of, n := range other.failures {
		removeCount(i.failures, of, *n)
	}
}

func (i *interval) clone() *interval {
	clone := newInterval(i.start)
	clone.add(i)
	return clone
}

// limit applies the limits to a sum: the largest entries stay, the others are counted together.
func (i *interval) limit() {
	ids := fewest(i.subscriptions, maxSubscriptions, otherSubscriptions, cmp.Compare,
		func(c *gateway.StatsCounts) int64 { return c.Attempts() })
	for _, id := range ids {
		counts := i.subscriptions[id]
		delete(i.subscriptions, id)
		i.subscription(otherSubscriptions).Add(counts)
	}
	limitCounts(i.types, maxTypes, otherTypes, cmp.Compare)
	limitCounts(i.failures, maxFailures, failure{}, compareFailures)
}

func limitCounts[K comparable](counts map[K]*int64, most int, other K, compare func(a, b K) int) {
	for _, key := range fewest(counts, most, other, compare, func(n *int64) int64 { return *n }) {
		n := *counts[key]
		delete(counts, key)
		addCount(counts, other, n)
	}
}

// fewest returns the keys beyond the limit, those with the smallest values. other is never one of them.
func fewest[K comparable, V any](all map[K]V, most int, other K, compare func(a, b K) int, value func(V) int64) []K {
	keys := make([]K, 0, len(all))
	for key := range all {
		if key != other {
			keys = append(keys, key)
		}
	}
	if len(keys) <= most {
		return nil
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Or(cmp.Compare(value(all[b]), value(all[a])), compare(a, b)) })
	return keys[most:]
}
