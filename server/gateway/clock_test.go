package gateway_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// A stored time has no monotonic reading, so only the wall clock measures the time until it.
func TestWhatIsLeft(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		what string
		end  time.Time
		want time.Duration
	}{
		{"of this process", now.Add(time.Minute), time.Minute},
		{"stored", now.Round(0).Add(time.Minute), time.Minute},
		{"over", now.Add(-time.Minute), -time.Minute},
	} {
		if got := gateway.Left(c.end, now); got != c.want {
			t.Errorf("%s: %v is left, want %v", c.what, got, c.want)
		}
		if got, want := gateway.Over(c.end, now), c.want <= 0; got != want {
			t.Errorf("%s: over %v, want %v", c.what, got, want)
		}
		if got, want := gateway.Rebase(c.end, now).Sub(now), max(c.want, 0); got != want {
			t.Errorf("%s: rebased to %v, want %v", c.what, got, want)
		}
	}
	if !gateway.Rebase(time.Time{}, now).IsZero() {
		t.Error("no time became one")
	}
}

func TestAHoldLastsNoLongerThanWhenItWasStored(t *testing.T) {
	for _, c := range []struct {
		what        string
		since, want time.Duration
		until       time.Duration
	}{
		{"stored just now", 0, time.Minute, time.Minute},
		{"stored a while ago", -30 * time.Second, 30 * time.Second, 30 * time.Second},
		{"stored by a clock a day ahead", 24 * time.Hour, time.Minute, 24*time.Hour + time.Minute},
		{"over", -2 * time.Minute, 0, -time.Minute},
		{"beyond what may be asked for", 0, gateway.MaxRetryAfter, 1000 * time.Hour},
	} {
		h := gateway.Hold{Kind: gateway.HoldSlowDown, Since: noon.Add(c.since), Until: noon.Add(c.until)}.Bound(noon)
		if got := h.Until.Sub(noon); got != c.want {
			t.Errorf("%s: %v is left, want %v", c.what, got, c.want)
		}
	}
	if h := (gateway.Hold{Kind: gateway.HoldFilter}).Bound(noon); !h.SetAside() {
		t.Error("a hold without an end got one")
	}
}
