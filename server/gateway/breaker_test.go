package gateway_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

var noon = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// fail reports the failures of n distinct events, beginning at a position.
func fail(b *gateway.Breaker, from gateway.Position, n int, endpoint bool) (opened []gateway.Position) {
	for i := range n {
		opened, _ = b.Failed(from+gateway.Position(i), endpoint, false, noon)
	}
	return opened
}

func TestBreakerOpens(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(b *gateway.Breaker) []gateway.Position
		open bool
		want []gateway.Position
	}{
		{"four endpoint failures", func(b *gateway.Breaker) []gateway.Position { return fail(b, 1, 4, true) }, false, nil},
		{"five endpoint failures", func(b *gateway.Breaker) []gateway.Position { return fail(b, 1, 5, true) }, true, []gateway.Position{1, 2, 3, 4, 5}},
		{"the same event five times", func(b *gateway.Breaker) []gateway.Position {
			for range 5 {
				fail(b, 7, 1, true)
			}
			return nil
		}, false, nil},
		{"a success between", func(b *gateway.Breaker) []gateway.Position {
			fail(b, 1, 4, true)
			b.Delivered(32, false)
			return fail(b, 5, 4, true)
		}, false, nil},
		{"nineteen refused", func(b *gateway.Breaker) []gateway.Position { return fail(b, 1, 19, false) }, false, nil},
		{"twenty refused", func(b *gateway.Breaker) []gateway.Position { return fail(b, 1, 20, false)[:2] }, true, []gateway.Position{1, 2}},
		{"refused ones count among twenty only", func(b *gateway.Breaker) []gateway.Position {
			fail(b, 1, 15, false)
			return fail(b, 16, 4, true)
		}, false, nil},
		{"refused, then failed by the endpoint", func(b *gateway.Breaker) []gateway.Position {
			fail(b, 1, 5, false)
			return fail(b, 1, 5, true)
		}, true, []gateway.Position{1, 2, 3, 4, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b gateway.Breaker
			opened := c.do(&b)
			if !slices.Equal(opened, c.want) {
				t.Errorf("opened by %v, want %v", opened, c.want)
			}
			if b.Probing() != c.open {
				t.Errorf("open: %v, want %v", b.Probing(), c.open)
			}
		})
	}
}

func TestProbesBackOff(t *testing.T) {
	var b gateway.Breaker
	fail(&b, 1, 5, true)
	now := noon
	for i, want := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300} {
		state, at := b.State()
		if state != gateway.BreakerOpen || at.Sub(now) != want*time.Second {
			t.Fatalf("probe %d: %v, in %v, want %v s", i, state, at.Sub(now), want)
		}
		if b.Slots(32, at.Add(-1)) != 0 || b.Slots(32, at) != 1 {
			t.Errorf("probe %d: slots before and at the time: %d, %d", i, b.Slots(32, at.Add(-1)), b.Slots(32, at))
		}
		now = at
		b.Failed(1, true, true, now)
	}
}

func TestProbeOutcomes(t *testing.T) {
	endpointDown := func(b *gateway.Breaker) { fail(b, 1, 5, true) }
	refused := func(b *gateway.Breaker) { fail(b, 1, 20, false) }
	holding := func(b *gateway.Breaker) { b.SlowDown(time.Hour, false, noon) }
	for _, c := range []struct {
		name string
		open func(*gateway.Breaker)
		do   func(*gateway.Breaker) (closed bool)
		want gateway.BreakerState
	}{
		{"delivered", endpointDown, func(b *gateway.Breaker) bool { return b.Delivered(8, true) }, gateway.BreakerClosed},
		{"delivered, but begun before it opened", endpointDown, func(b *gateway.Breaker) bool { return b.Delivered(8, false) }, gateway.BreakerOpen},
		{"failed by the endpoint", endpointDown, func(b *gateway.Breaker) bool { _, c := b.Failed(9, true, true, noon); return c }, gateway.BreakerOpen},
		{"refused by an endpoint that failed", endpointDown, func(b *gateway.Breaker) bool { _, c := b.Failed(9, false, true, noon); return c }, gateway.BreakerClosed},
		{"refused, but begun before it opened", endpointDown, func(b *gateway.Breaker) bool { _, c := b.Failed(9, false, false, noon); return c }, gateway.BreakerOpen},
		{"refused by one that refuses everything", refused, func(b *gateway.Breaker) bool { _, c := b.Failed(9, false, true, noon); return c }, gateway.BreakerOpen},
		{"slow down", endpointDown, func(b *gateway.Breaker) bool { b.SlowDown(time.Hour, false, noon); return false }, gateway.BreakerHolding},
		{"delivered after a hold", holding, func(b *gateway.Breaker) bool { return b.Delivered(8, true) }, gateway.BreakerClosed},
		{"failed after a hold", holding, func(b *gateway.Breaker) bool { _, c := b.Failed(9, true, true, noon); return c }, gateway.BreakerOpen},
		{"refused after a hold", holding, func(b *gateway.Breaker) bool { _, c := b.Failed(9, false, true, noon); return c }, gateway.BreakerClosed},
		{"reset", endpointDown, func(b *gateway.Breaker) bool { b.Reset(); return true }, gateway.BreakerClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b gateway.Breaker
			c.open(&b)
			closed := c.do(&b)
			state, _ := b.State()
			if state != c.want || closed != (c.want == gateway.BreakerClosed) {
				t.Errorf("state %v (closed: %v), want %v", state, closed, c.want)
			}
			if closed && b.Slots(8, noon) != 1 {
				t.Errorf("%d slots after closing", b.Slots(8, noon))
			}
		})
	}
}

func TestSlotsRampUp(t *testing.T) {
	var b gateway.Breaker
	if b.Slots(10, noon) != 10 {
		t.Errorf("a fresh one has %d slots", b.Slots(10, noon))
	}
	b.Reset()
	for _, want := range []int{1, 2, 4, 8, 10, 10} {
		if got := b.Slots(10, noon); got != want {
			t.Errorf("%d slots, want %d", got, want)
		}
		b.Delivered(10, false)
	}
	b.Reset()
	if b.Delivered(1, false); b.Slots(1, noon) != 1 {
		t.Error("more slots than the policy has")
	}
}

func TestHoldIsNotShortened(t *testing.T) {
	var b gateway.Breaker
	b.SlowDown(time.Hour, false, noon)
	b.SlowDown(time.Second, false, noon)
	if _, at := b.State(); at != noon.Add(time.Hour) {
		t.Errorf("holds until %v", at)
	}
	b.SlowDown(2*time.Hour, false, noon)
	if _, at := b.State(); at != noon.Add(2*time.Hour) {
		t.Errorf("holds until %v", at)
	}
}

// After a 429 without a time, the endpoint was tried again every 5 s for ever.
func TestSlowDownWithoutATimeBacksOff(t *testing.T) {
	var b gateway.Breaker
	now := noon
	for i, want := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300} {
		b.SlowDown(0, i > 0, now)
		// Responses to attempts that were under way together double nothing.
		b.SlowDown(0, false, now)
		state, at := b.State()
		if state != gateway.BreakerHolding || at.Sub(now) != want*time.Second {
			t.Fatalf("hold %d: %v for %v, want %v s", i, state, at.Sub(now), want)
		}
		now = at
	}
	var again gateway.Breaker
	again.Hold(b.Held("429").Bound(now))
	again.SlowDown(0, true, now)
	if _, at := again.State(); at.Sub(now) != gateway.MaxProbeWait {
		t.Errorf("after a restart it holds %v", at.Sub(now))
	}
	b.Delivered(1, true)
	b.SlowDown(0, false, now)
	if _, at := b.State(); at.Sub(now) != gateway.DefaultRetryAfter {
		t.Errorf("after a success it holds %v", at.Sub(now))
	}
}

func TestAHoldIsBoundWhateverIsStored(t *testing.T) {
	h := gateway.Hold{Kind: gateway.HoldSlowDown, Until: noon.Add(1000 * time.Hour), Wait: 99 * time.Hour}.Bound(noon)
	if h.Until != noon.Add(gateway.MaxRetryAfter) || h.Wait != gateway.MaxProbeWait {
		t.Errorf("bound to %+v", h)
	}
}

func TestWhatEndsAHold(t *testing.T) {
	base := gateway.Subscription{TargetType: "webhook", TargetConfig: []byte("a"), Filter: gateway.Filter{Types: []string{"a"}}}
	elsewhere, filtered := base, base
	elsewhere.TargetConfig = []byte("b")
	filtered.Filter = gateway.Filter{Types: []string{"a"}, Expression: "true"}
	for _, c := range []struct {
		kind  gateway.HoldKind
		after gateway.Subscription
		want  bool
	}{
		{gateway.HoldSlowDown, base, false},
		{gateway.HoldSlowDown, elsewhere, true},
		{gateway.HoldSlowDown, filtered, false},
		{gateway.HoldFilter, elsewhere, false},
		{gateway.HoldFilter, filtered, true},
		{gateway.HoldNone, filtered, false},
	} {
		if got := (gateway.Hold{Kind: c.kind}).EndsBy(&base, &c.after); got != c.want {
			t.Errorf("kind %d: %v, want %v", c.kind, got, c.want)
		}
	}
}
