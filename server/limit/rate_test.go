package limit_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
)

func TestRatesAreBoundedForEachAndForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rates := limit.NewRates(limit.Rate{PerSecond: 1, Burst: 3}, limit.Rate{PerSecond: 10, Burst: 5})
		for i := range 3 {
			if err := rates.Allow("a"); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
		var refused *gateway.Error
		if err := rates.Allow("a"); !errors.As(err, &refused) || refused.Code != gateway.CodeResourceExhausted ||
			refused.Reason != gateway.ReasonRateLimited || refused.RetryAfter != time.Second {
			t.Errorf("refused with %+v", refused)
		}
		if err := errors.Join(rates.Allow("b"), rates.Allow("c")); err != nil {
			t.Error(err)
		}
		if rates.Allow("d") == nil {
			t.Error("all together may have more than their burst")
		}
		time.Sleep(time.Second)
		if err := rates.Allow("a"); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatWasSpentIsMadeUpForBeforeMoreIsAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rates := limit.NewRates(limit.Rate{PerSecond: 10, Burst: 20}, limit.Rate{PerSecond: 1000, Burst: 100})
		if err := rates.Allow("a"); err != nil {
			t.Fatal(err)
		}
		rates.Spend("a", 1000) // No more than a burst is owed.
		var refused *gateway.Error
		if err := rates.Allow("a"); !errors.As(err, &refused) || refused.RetryAfter > 2500*time.Millisecond {
			t.Errorf("refused with %+v", refused)
		}
		if err := rates.Allow("b"); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		if err := rates.Allow("a"); err != nil {
			t.Error(err)
		}
	})
}

// However many addresses come, only some are remembered.
func TestAFloodOfAddressesIsNotRemembered(t *testing.T) {
	t.Parallel()
	rates := limit.NewRates(limit.Rate{PerSecond: 0.001, Burst: 2}, limit.Rate{PerSecond: 1e9, Burst: 1e9})
	for i := range 50_000 {
		if err := rates.Allow(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := rates.Remembered(); n > 10_000 {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestALogOfRefusalsIsSampledAndCountsTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		sampler := limit.NewSampler(slog.New(slog.NewTextHandler(&text, nil)))
		for range 10_000 {
			sampler.Log(t.Context(), slog.LevelInfo, "refused")
		}
		if lines := strings.Count(text.String(), "\n"); lines != 100 {
			t.Errorf("%d lines of 10,000 are written, want 100", lines)
		}
		time.Sleep(time.Second)
		sampler.Log(t.Context(), slog.LevelInfo, "refused")
		if !strings.Contains(text.String(), "left_out=9900") {
			t.Error("the next line does not say how many were left out")
		}
	})
}
