package gateway_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// TestQuantilesAreNearTheExactOnes compares with sorted values, for distributions that are typical of latencies, also after
// counts were merged.
func TestQuantilesAreNearTheExactOnes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	distributions := map[string]func() time.Duration{
		"one value": func() time.Duration { return 3 * time.Millisecond },
		"even":      func() time.Duration { return time.Millisecond + time.Duration(random.Int64N(int64(time.Second))) },
		"log normal": func() time.Duration {
			return time.Duration(float64(5*time.Millisecond) * math.Exp(1.5*random.NormFloat64()))
		},
		"retried for a day": func() time.Duration {
			return []time.Duration{2 * time.Millisecond, 5 * time.Minute, 24 * time.Hour}[random.IntN(3)]
		},
		"years": func() time.Duration { return time.Duration(1+random.IntN(200)) * 365 * 24 * time.Hour },
	}
	for name, draw := range distributions {
		var parts [4]gateway.Latencies
		var exact []time.Duration
		for i := range 10_000 {
			d := max(draw(), 100*time.Microsecond)
			exact = append(exact, d)
			parts[i%len(parts)].Add(d)
		}
		slices.Sort(exact)
		var merged gateway.Latencies
		for i := range parts {
			merged.Merge(&parts[i])
		}
		if merged.Count() != int64(len(exact)) {
			t.Errorf("%s: %d counted", name, merged.Count())
		}
		for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
			want := exact[int(math.Ceil(q*float64(len(exact))))-1]
			if off := float64(merged.Quantile(q))/float64(want) - 1; math.Abs(off) > 0.10 {
				t.Errorf("%s: p%g is %v, told as %v", name, 100*q, want, merged.Quantile(q))
			}
		}
	}
}

func TestLatenciesCanBeTakenAway(t *testing.T) {
	t.Parallel()
	var all, some gateway.Latencies
	for i := range 100 {
		d := time.Duration(i*i) * time.Millisecond
		all.Add(d)
		if i%2 == 0 {
			some.Add(d)
		}
	}
	before := all.Clone()
	all.Remove(&some)
	if all.Count() != 50 || before.Count() != 100 {
		t.Errorf("%d are left of %d", all.Count(), before.Count())
	}
	rest := all.Clone()
	all.Remove(&rest)
	if n := all.Len(); n != 0 {
		t.Errorf("%d buckets are left", n)
	}
	if d := all.Quantile(0.5); d != 0 {
		t.Errorf("the median of nothing is %v", d)
	}
}

func TestShortAndNegativeLatencies(t *testing.T) {
	t.Parallel()
	var l gateway.Latencies
	for _, d := range []time.Duration{-time.Second, 0, time.Nanosecond, 100 * time.Microsecond} {
		l.Add(d)
	}
	if l.Len() != 1 || l.Quantile(1) != 100*time.Microsecond {
		t.Errorf("%d buckets, %v", l.Len(), l.Quantile(1))
	}
}
