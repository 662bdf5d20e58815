package gateway_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestClampRetryAfter(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		-time.Hour: time.Second, time.Millisecond: time.Second,
		time.Minute: time.Minute, 48 * time.Hour: 24 * time.Hour,
	} {
		if got := gateway.ClampRetryAfter(asked); got != want {
			t.Errorf("%v: %v, want %v", asked, got, want)
		}
	}
}

func TestEveryKindHasAName(t *testing.T) {
	seen := map[string]bool{}
	for k := gateway.OutcomeNone; k <= gateway.OutcomeGone; k++ {
		seen[k.String()] = true
	}
	for s := gateway.DeliveryNone; s <= gateway.DeliveryParked; s++ {
		seen[s.String()] = true
	}
	// "none" and "delivered" are the names of a value in both.
	if len(seen) != 6+6-2 {
		t.Errorf("names: %v", seen)
	}
}
