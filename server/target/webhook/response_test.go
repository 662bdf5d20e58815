package webhook_test

import (
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target/webhook"
)

func TestClassify(t *testing.T) {
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
		if got := webhook.Classify(c.status, c.retryAfter); got != c.want {
			t.Errorf("%d (Retry-After: %v): %v, want %v", c.status, c.retryAfter, got, c.want)
		}
	}
}
