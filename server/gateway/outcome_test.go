package gateway_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestClassifyStatus(t *testing.T) {
	for _, c := range []struct {
		status     int
		retryAfter bool
		want       gateway.OutcomeKind
	}{
		{200, false, gateway.OutcomeDelivered},
		{204, true, gateway.OutcomeDelivered},
		{299, false, gateway.OutcomeDelivered},
		{100, false, gateway.OutcomeEndpointFailure},
		{301, false, gateway.OutcomeEventFailure},
		{304, false, gateway.OutcomeEventFailure},
		{400, false, gateway.OutcomeEventFailure},
		{401, true, gateway.OutcomeEventFailure},
		{404, false, gateway.OutcomeEventFailure},
		{408, false, gateway.OutcomeEndpointFailure},
		{410, true, gateway.OutcomeGone},
		{422, false, gateway.OutcomeEventFailure},
		{429, false, gateway.OutcomeSlowDown},
		{429, true, gateway.OutcomeSlowDown},
		{500, true, gateway.OutcomeEndpointFailure},
		{503, false, gateway.OutcomeEndpointFailure},
		{503, true, gateway.OutcomeSlowDown},
		{599, false, gateway.OutcomeEndpointFailure},
		{0, false, gateway.OutcomeEndpointFailure},
		{999, false, gateway.OutcomeEndpointFailure},
	} {
		if got := gateway.ClassifyStatus(c.status, c.retryAfter); got != c.want {
			t.Errorf("%d (Retry-After: %v): %v, want %v", c.status, c.retryAfter, got, c.want)
		}
	}
}

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
	// "none" and "delivered" are words of both.
	if len(seen) != 6+6-2 {
		t.Errorf("names: %v", seen)
	}
}
