package gateway

import (
	"iter"
	"math"
	"slices"
	"time"
)

// Latencies counts durations in fixed buckets, each 19 % (a quarter of an octave) wider than the one before. So the counts
// of several intervals or servers can be added, and percentiles are still within 10 %. Only buckets that are not empty take
// memory. The zero value is empty.
type Latencies struct {
	buckets []latencyBucket // by index
}

type latencyBucket struct {
	index uint8
	count int64
}

const (
	// shortestLatency is the upper bound of bucket 0. Shorter durations count in it, too.
	shortestLatency = 100 * time.Microsecond
	bucketsAnOctave = 4
)

// LatencyBucket returns the index of a duration's bucket.
func LatencyBucket(d time.Duration) uint8 {
	if d <= shortestLatency {
		return 0
	}
	octaves := math.Log2(float64(d) / float64(shortestLatency))
	return uint8(min(math.Ceil(octaves*bucketsAnOctave), math.MaxUint8))
}

// latencyOf returns the duration that represents a bucket: its geometric middle, so that the error is the same in both
// directions.
func latencyOf(index uint8) time.Duration {
	if index == 0 {
		return shortestLatency
	}
	octaves := (float64(index) - 0.5) / bucketsAnOctave
	return time.Duration(float64(shortestLatency) * math.Exp2(octaves))
}

// Add counts one duration.
func (l *Latencies) Add(d time.Duration) { l.AddBucket(LatencyBucket(d), 1) }

// AddBucket adds a count to a bucket. A negative count removes what was added before.
func (l *Latencies) AddBucket(index uint8, count int64) {
	i, found := slices.BinarySearchFunc(l.buckets, index, func(b latencyBucket, index uint8) int { return int(b.index) - int(index) })
	switch {
	case !found:
		l.buckets = slices.Insert(l.buckets, i, latencyBucket{index, count})
	case l.buckets[i].count+count == 0:
		l.buckets = slices.Delete(l.buckets, i, i+1)
	default:
		l.buckets[i].count += count
	}
}

// Merge adds the counts of other.
func (l *Latencies) Merge(other *Latencies) {
	for _, b := range other.buckets {
		l.AddBucket(b.index, b.count)
	}
}

// Remove subtracts counts that were merged before.
func (l *Latencies) Remove(other *Latencies) {
	for _, b := range other.buckets {
		l.AddBucket(b.index, -b.count)
	}
}

// Clone returns a copy that shares nothing.
func (l *Latencies) Clone() Latencies { return Latencies{slices.Clone(l.buckets)} }

// Buckets iterates over the buckets that are not empty, shortest first.
func (l *Latencies) Buckets() iter.Seq2[uint8, int64] {
	return func(yield func(uint8, int64) bool) {
		for _, b := range l.buckets {
			if !yield(b.index, b.count) {
				return
			}
		}
	}
}

// Len returns the number of buckets that are not empty.
func (l *Latencies) Len() int { return len(l.buckets) }

// Count returns the number of durations that were counted.
func (l *Latencies) Count() (n int64) {
	for _, b := range l.buckets {
		n += b.count
	}
	return n
}

// Quantile returns a duration that a share q (0 < q ≤ 1) of the counted ones did not exceed, to within 10 %; 0 when there
// are none.
func (l *Latencies) Quantile(q float64) time.Duration {
	rank := int64(math.Ceil(q * float64(l.Count())))
	for _, b := range l.buckets {
		if rank -= b.count; rank <= 0 {
			return latencyOf(b.index)
		}
	}
	return 0
}
