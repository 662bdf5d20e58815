package stats

import (
	"cmp"
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// The numbers of subscriptions and event types that an interval counts separately. Further ones are counted together.
const (
	maxSubscriptions = 500
	maxTypes         = 200
)

// The keys under which further subscriptions and types are counted.
const (
	otherSubscriptions gateway.SubscriptionID = 0
	otherTypes                                = ""
)

// interval has the counts of a tenant for one interval, or for a sum of several.
type interval struct {
	start         time.Time
	total         gateway.StatsCounts
	subscriptions map[gateway.SubscriptionID]*gateway.StatsCounts
	types         map[string]*int64
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
	count := i.types[name]
	if count == nil && len(i.types) >= maxTypes {
		name = otherTypes
		count = i.types[name]
	}
	if count == nil {
		count = new(int64)
		i.types[name] = count
	}
	*count += n
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
		own := i.types[name]
		if own == nil {
			own = new(int64)
			i.types[name] = own
		}
		*own += *n
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
		own := i.types[name]
		if *own -= *n; *own == 0 {
			delete(i.types, name)
		}
	}
}

func (i *interval) clone() *interval {
	clone := newInterval(i.start)
	clone.add(i)
	return clone
}

// limit applies the limits to a sum: the largest entries stay, the others are counted together.
func (i *interval) limit() {
	ids := fewest(i.subscriptions, maxSubscriptions, otherSubscriptions, func(c *gateway.StatsCounts) int64 { return c.Attempts() })
	for _, id := range ids {
		counts := i.subscriptions[id]
		delete(i.subscriptions, id)
		i.subscription(otherSubscriptions).Add(counts)
	}
	for _, name := range fewest(i.types, maxTypes, otherTypes, func(n *int64) int64 { return *n }) {
		n := *i.types[name]
		delete(i.types, name)
		i.addType(otherTypes, n)
	}
}

// fewest returns the keys beyond the limit, those with the smallest values. other is never one of them.
func fewest[K cmp.Ordered, V any](all map[K]V, most int, other K, value func(V) int64) []K {
	keys := make([]K, 0, len(all))
	for key := range all {
		if key != other {
			keys = append(keys, key)
		}
	}
	if len(keys) <= most {
		return nil
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Or(cmp.Compare(value(all[b]), value(all[a])), cmp.Compare(a, b)) })
	return keys[most:]
}
