package stats

import (
	"slices"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// shortest is the length of the intervals that are counted; longer ones are sums of them.
	shortest = 15 * time.Second
	// keptSeconds is the number of single seconds in memory.
	keptSeconds = gateway.MaxStatsPoints + 1
	// keptFor is how long a finished interval stays in memory after it was stored. A watch that looks less often misses intervals.
	keptFor = 2 * time.Minute
	// maxUnstored limits the finished intervals that could not be stored, to an hour.
	maxUnstored = int(time.Hour / shortest)
)

// tenant has the newest counts of one tenant. It is protected by the recorder's lock.
type tenant struct {
	// seconds are the seconds with activity, oldest first. Only the last one can still change. before has the gauges before the
	// first one.
	seconds []second
	before  gateway.StatsGauges
	// open is the current interval; nil without activity.
	open *interval
	// closed are the newest finished intervals with activity, oldest first. They do not change any more.
	closed []closed

	gauges   gateway.StatsGauges
	backlogs map[gateway.SubscriptionID]gateway.SubscriptionBacklog
}

type second struct {
	number int64
	counts gateway.StatsCounts
	gauges gateway.StatsGauges
}

type closed struct {
	*interval
	stored bool
}

// at returns the counts of the current second and interval. After the clock went back, these are the newest ones.
func (t *tenant) at(now time.Time) (*gateway.StatsCounts, *interval) {
	t.close(now)
	if t.open == nil {
		t.open = newInterval(now.Truncate(shortest))
		t.open.gauges = t.gauges
	}
	number := now.Unix()
	if n := len(t.seconds); n == 0 || t.seconds[n-1].number < number {
		t.forgetSeconds(number - keptSeconds)
		t.seconds = append(t.seconds, second{number: number, gauges: t.gauges})
	}
	return &t.seconds[len(t.seconds)-1].counts, t.open
}

func (t *tenant) forgetSeconds(until int64) {
	n := 0
	for n < len(t.seconds) && t.seconds[n].number <= until {
		t.before = t.seconds[n].gauges
		n++
	}
	t.seconds = slices.Delete(t.seconds, 0, n)
}

// close ends the current interval if its time is over.
func (t *tenant) close(now time.Time) {
	if t.open == nil || now.Before(t.open.start.Add(shortest)) {
		return
	}
	t.closed = append(t.closed, closed{interval: t.open})
	t.open = nil
}

func (t *tenant) published(now time.Time, eventType string, n int64) {
	second, open := t.at(now)
	second.Published += n
	open.publish(eventType, n)
}

func (t *tenant) settled(now time.Time, d gateway.DeliverySettled) {
	if !d.Attempted && !d.Dead {
		return // the endpoint asked to slow down; there must be no empty counts
	}
	second, open := t.at(now)
	bucket := gateway.LatencyBucket(d.Latency)
	for _, counts := range [...]*gateway.StatsCounts{second, &open.total, open.subscription(d.Subscription)} {
		switch {
		case d.Delivered:
			counts.Delivered++
			counts.Latency.AddBucket(bucket, 1)
		case d.Attempted:
			counts.Failed++
		}
		if d.Dead {
			counts.Dead++
		}
	}
	if d.Attempted && !d.Delivered {
		open.fail(failure{d.Subscription, d.Reason}, 1)
	}
}

// sampled records the backlogs and the number of open streams. A change of these counts as activity.
func (t *tenant) sampled(now time.Time, backlogs map[gateway.SubscriptionID]gateway.SubscriptionBacklog, streams int) {
	gauges := gateway.StatsGauges{Known: true, Streams: int64(streams)}
	for _, b := range backlogs {
		gauges.Backlog += b.Waiting
		gauges.Retrying += b.Retrying
	}
	t.backlogs = backlogs
	if gauges == t.gauges {
		return
	}
	t.gauges = gauges
	_, open := t.at(now)
	open.gauges = gauges
	t.seconds[len(t.seconds)-1].gauges = gauges
}

// unstored returns the finished intervals that are not stored yet.
func (t *tenant) unstored() []*interval {
	var found []*interval
	for _, c := range t.closed {
		if !c.stored {
			found = append(found, c.interval)
		}
	}
	return found
}

// tidy records that the intervals before a time are stored, and frees those that are no longer needed. It reports whether anything
// is left.
func (t *tenant) tidy(now, storedBefore time.Time) (left bool) {
	// Counts of a clock that was ahead are in the future.
	ahead := func(start time.Time) bool { return start.After(now) && !storedBefore.IsZero() }
	for i := range t.closed {
		t.closed[i].stored = t.closed[i].stored || t.closed[i].start.Before(storedBefore)
	}
	t.closed = slices.DeleteFunc(t.closed, func(c closed) bool {
		return c.stored && now.Sub(c.start) > shortest+keptFor || ahead(c.start)
	})
	t.closed = slices.Delete(t.closed, 0, max(len(t.closed)-maxUnstored, 0))
	t.forgetSeconds(now.Unix() - keptSeconds)
	return t.open != nil || len(t.closed)+len(t.seconds)+len(t.backlogs) > 0 || t.gauges.Streams > 0
}
